"""What a worker computed for one request it tells again to the next, until others were asked for more lately."""

from __future__ import annotations

import numpy as np

from serving.ledger.record import Case
from serving.scoring.kept_cases import KeptCases


def case(key: str) -> Case:
    """Return a case of a unit."""
    none = np.empty(0)
    return Case(
        key=key,
        as_of=1,
        values=none,
        texts={},
        raw=0.0,
        probability=0.5,
        expected=None,
        contributions=none,
        facts={},
        reasons=(),
        rank=1,
        of=1,
    )


def test_the_case_that_was_not_asked_for_longest_goes_first() -> None:
    kept = KeptCases(most=2)
    one, two, three = map(case, ("1", "2", "3"))
    kept.keep("scores", [one, two])
    assert kept.of("scores", ["1", "3"]) == {"1": one}
    kept.keep("scores", [three])
    assert kept.of("scores", ["1", "2", "3"]) == {"1": one, "3": three}


def test_a_case_with_reasons_is_not_told_where_scores_alone_were_computed() -> None:
    kept = KeptCases()
    kept.keep("scores", [case("1")])
    assert kept.of("reasons", ["1"]) == {}
