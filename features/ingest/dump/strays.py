"""What of a dump is not read though it lies where a table is: refused by name, as its rows would be missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from features.errors import SourceError
from features.ingest.dump.files import UNREAD, file_form, is_hidden
from features.ingest.dump.names import named_so
from features.ingest.dump.statements import check_statements


def check_folder(place: Path) -> None:
    """Refuse a table's folder that holds anything but parts, folders of parts, and hidden names."""
    for path in _visible_below(place):
        name = path.relative_to(place.parent)
        if path.is_symlink():
            raise SourceError(
                f"{name} is a link, and links in a table's folder are not followed; "
                "put what it leads to in its place, or remove it"
            )
        if not path.is_dir() and not (path.is_file() and file_form(path)):
            raise SourceError(
                f"{name} lies in the folder of a table and is not read; "
                f"export it as CSV or Parquet, or move it out of {place.name}/"
            )


def _visible_below(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder and the folders in it, hidden names and what lies behind links left out."""
    for path in sorted(folder.iterdir()):
        if is_hidden(path):
            continue
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _visible_below(path)


def check_forms(data: Path, wanted: Collection[str], places: Mapping[str, Path]) -> None:
    """Raise SourceError where a wanted table that no file gives seems to lie in a form that is not read."""
    without_file = {name.upper() for name in wanted if name not in places}
    for path in sorted(data.iterdir()):
        if is_hidden(path) or path in places.values():
            continue
        check_statements(path, without_file)
        lacking = _named_by(path, wanted) - places.keys()
        if not lacking:
            continue
        if path.is_dir():
            check_folder(path)
        else:
            form = path.suffix.lower() or "a file without an ending"
            raise SourceError(
                f"{path.name} seems to be table {min(lacking)!r}, and {form} is not read; "
                "export it as CSV or Parquet, or remove it"
            )


def _named_by(path: Path, wanted: Collection[str]) -> set[str]:
    """Return the wanted tables that a folder, or a file in a form that is not read, seems to be."""
    if path.is_dir():
        return set(named_so([path.name], wanted))
    if path.suffix.lower() in UNREAD:
        # Of AC43.csv.zst the name is AC43: a packed file has the ending of what it holds before its own.
        return set(named_so([path.stem.removesuffix(file_form(Path(path.stem)))], wanted))
    return {name for name in wanted if name.upper() == path.name.upper()}
