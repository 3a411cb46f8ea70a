"""How numbers of the log-odds scale stand on a page: to two places, with a minus sign of print, and no zero with a sign."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def number_in_words(value: float) -> str:
    """Return a number to two places.

    >>> number_in_words(-0.304), number_in_words(-0.004)
    ('−0.30', '0.00')
    """
    return "0.00" if rounds_to_zero(value) else f"{value:.2f}".replace("-", MINUS)


def size_in_words(contribution: float) -> str:
    """Return a contribution with its sign, to two places.

    >>> size_in_words(0.304), size_in_words(-0.304), size_in_words(-0.004)
    ('+0.30', '−0.30', '0.00')
    """
    return "0.00" if rounds_to_zero(contribution) else f"{contribution:+.2f}".replace("-", MINUS)


def rounds_to_zero(value: float) -> bool:
    """Tell whether two places show a number as zero.

    >>> rounds_to_zero(-0.0049), rounds_to_zero(0.0051)
    (True, False)
    """
    return f"{abs(value):.2f}" == "0.00"
