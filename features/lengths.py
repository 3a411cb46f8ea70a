"""How long a declared name may be: names become columns, files and folders, and a file's name ends at 255 bytes."""

from __future__ import annotations

NAME_BYTES = 100
"""Greatest length of a declared name in UTF-8; what is put before and after it in the name of a file takes the rest."""
ATTRIBUTE_BYTES = NAME_BYTES - len("attr_")


def overlong(name: str, most: int = NAME_BYTES) -> str | None:
    """Return what is wrong with a name that is too long, its beginning named; None where it is short enough.

    >>> overlong("staff"), overlong("a" * 101)
    (None, "'aaaaaaaaaaaaaaaaaaaaaaaa…' has 101 bytes; a name has at most 100, give it a shorter one")
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    return (
        f"'{name[:24]}…' has {size} bytes; a name has at most {most}, give it a shorter one"
        if size > most
        else None
    )
