"""The page of a record in a real browser: two sheets of paper, one column on a telephone, and nothing that axe-core refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from serving.replay.report import exhibit_of, report
from tests.recorded import AT, Home, home_of, recorded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parent / "fixtures" / "axe" / "axe.min.js"
"""axe-core 4.10.3 as npm has it, with its licence (MPL-2.0) beside it."""
LANGUAGES = ("zh", "en", "both")
TELEPHONE, DESK = 320, 1000
SAMPLED = [
    "reasons",
    pytest.param("no reason", marks=pytest.mark.slow),
    pytest.param("three units", marks=pytest.mark.slow),
]
# SVG text that axe-core cannot judge, since it does not know what lies behind it; the test of colours does
UNJUDGED = {"color-contrast"}
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, for text of this size


Pages = Callable[[str], str]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """`pages(what)`: the page of one unit with reasons, of one without, or of several units; each is made once."""
    home = home_of(tmp_path_factory)
    case = home.record.cases[0]

    @cache
    def page(what: str) -> str:
        if what == "reasons":
            return shown(home, home.record_id, case.key)
        if what == "three units":
            return shown(home, home.record_id)
        bare = replace(home.record, cases=(replace(case, reasons=[]),))
        return shown(home, recorded(home.path, bare))

    return page


def shown(home: Home, record_id: str, unit: str | None = None) -> str:
    return report(exhibit_of(home.path, record_id, AT, unit))


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: make extra")
    with playwright.sync_playwright() as running:
        options = ["--no-sandbox", "--disable-gpu"]
        yield running.chromium.launch(executable_path=chromium, args=options)


def opened(browser: Browser, page: str, language: str, width: int = DESK) -> Page:
    """Return a page as a reader has it who chose a language and unfolded everything."""
    view = browser.new_page(viewport={"width": width, "height": 900})
    # the page allows no script at all, and axe-core is one
    view.set_content(page.replace('http-equiv="Content-Security-Policy"', "data-policy"))
    view.evaluate(f"document.getElementById('choose-{language}').checked = true")
    return view


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("what", ["reasons", "no reason"])
def test_one_unit_takes_two_sheets_of_paper_at_most(
    browser: Browser, pages: Pages, what: str, language: str
) -> None:
    printed = opened(browser, pages(what), language).pdf(prefer_css_page_size=True)
    [count] = re.findall(rb"/Count (\d+)", printed)
    assert b"/MediaBox [0 0 594.9" in printed or b"/MediaBox [0 0 595" in printed
    assert 1 <= int(count) <= 2


@pytest.mark.parametrize("what", SAMPLED)
def test_on_a_telephone_the_page_is_one_column(browser: Browser, pages: Pages, what: str) -> None:
    for language in LANGUAGES:
        view = opened(browser, pages(what), language, TELEPHONE)
        view.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert view.evaluate("document.documentElement.scrollWidth") <= TELEPHONE
        assert not view.locator("figure.chart").first.is_visible()
        lines = view.evaluate(
            "[...document.querySelectorAll('dl.proof dt')].map(one => one.getBoundingClientRect().left"
            " - one.nextElementSibling.getBoundingClientRect().left)"
        )
        assert lines and set(lines) == {0}
        view.close()


@pytest.mark.parametrize("what", SAMPLED)
def test_axe_core_finds_no_violation(browser: Browser, pages: Pages, what: str) -> None:
    for language in LANGUAGES:
        for width in (TELEPHONE, DESK):
            view = opened(browser, pages(what), language, width)
            view.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            judged = judged_by_axe(view)
            assert len(judged["passes"]) > 30
            assert [rule["id"] for rule in judged["violations"]] == []
            assert {rule["id"] for rule in judged["incomplete"]} <= UNJUDGED
            view.close()


def judged_by_axe(view: Page) -> dict[str, Any]:
    view.evaluate(AXE.read_text("utf-8"))
    judged: dict[str, Any] = view.evaluate("axe.run()")
    return judged


def test_axe_core_sees_what_is_wrong(browser: Browser, pages: Pages) -> None:
    pale = pages("reasons").replace("--soft: #5b616a", "--soft: #c9ccd1")
    headless = re.sub(r"<th([^>]*)>.*?</th>", r"<th\1></th>", pale)
    rules = {rule["id"] for rule in judged_by_axe(opened(browser, headless, "zh"))["violations"]}
    assert {"color-contrast", "empty-table-header"} <= rules


def test_text_of_the_waterfall_has_contrast_enough(pages: Pages) -> None:
    [paper] = re.findall(r"--paper: (#\w{6})", pages("reasons"))
    texts = re.findall(r'<text[^>]*fill="(#\w{3,6})"', pages("reasons"))
    assert len(set(texts)) >= 3
    assert min(contrast(colour, paper) for colour in texts) >= LEAST_CONTRAST


def contrast(text: str, ground: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it.

    >>> round(contrast("#000", "#ffffff"))
    21
    """
    lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
