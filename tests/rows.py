"""Rows by hand that several files of tests write."""

from __future__ import annotations

Row = dict[str, object]
Tables = dict[str, list[Row]]
SPLIT = """[target.fraud.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""
"""The days that train and test the target of `reviewed_claims`."""


def firm(name: str, registered: str = "2010-01-01", **more: object) -> Row:
    """Return an enterprise, known from the day on which it was registered."""
    return {
        "enterprise": name,
        "since": registered,
        "registered": registered,
        "recorded_on": registered,
    } | more


def reviewed_claims(*attributes: str, rounds: int) -> str:
    """Return the declaration of whole-number attributes of claims, and of a target of their reviews without a split."""
    declared = [
        f'[[attribute]]\ntable = "claims"\nname = "{name}"\ntype = "integer"\n'
        f'zh = "属性 {name}"\nen = "{name}"\nbasis = "法 law"\n'
        for name in attributes
    ]
    fit = f"most_rounds = {rounds}, least_rounds = 5, folds = 3, shape = [{{ leaves = 4 }}]"
    target = (
        '[target.fraud]\nzh = "骗领"\nen = "fraud"\nunit = "claim"\nlabel = "review"\n'
        f"fit = {{ {fit}, smallest_leaf = 5, smaller_leaf = 5 }}\n"
    )
    return "\n" + "".join(declared) + target
