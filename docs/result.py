"""The picture docs/result.png: one enterprise of the report that `make demo` writes, as a browser shows it.

Run `make demo N=2000` first; Chromium must be installed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).with_name("result.png")
COLOURS = 200  # text needs no more, and the file has less than half of the bytes
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = "860,1098"  # pixels: one enterprise with its reasons, at a width that a README shows whole
# A report opens in Chinese; the picture shows both languages.
CHINESE = 'id="choose-zh" class="choice" checked'
BOTH = 'id="choose-both" class="choice"'
# Of the three enterprises that the demo asks about, the second; its reasons name numbers of staff.
STYLE = """<style>
.choice + label, header .house, header .facts, section.unit { display: none; }
section.unit:nth-of-type(2) { display: block; }
</style>
</head>"""


def main() -> None:
    """Draw the picture of a report."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--report", type=Path, default=Path(".lssi") / "demo" / "report.html")
    words.add_argument("--out", type=Path, default=PICTURE)
    given = words.parse_args()
    page = with_one_enterprise(in_both_languages(given.report.read_text("utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "report.html"
        shown.write_text(page, "utf-8")
        photograph(shown, given.out)
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")


def in_both_languages(page: str) -> str:
    """Return a report that opens in both languages."""
    without_choice = page.replace(CHINESE, CHINESE.removesuffix(" checked"))
    return without_choice.replace(BOTH, f"{BOTH} checked")


def with_one_enterprise(page: str) -> str:
    """Return a report that shows one enterprise, without the record's own particulars."""
    return page.replace("</head>", STYLE)


def photograph(page: Path, picture: Path) -> None:
    """Write what a browser shows of a page."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"no browser is installed; install one of {', '.join(BROWSERS)}")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={SIZE}",
        f"--screenshot={picture.resolve()}",
    ]
    address = page.resolve().as_uri()
    subprocess.run([browser, *options, address], check=True, stderr=subprocess.DEVNULL)
    with Image.open(picture) as shot:
        few_colours = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few_colours.save(picture, optimize=True)


if __name__ == "__main__":
    main()
