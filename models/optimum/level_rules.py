"""What the level of inspection does to routine visits, where a rule set declares it: the level that `lssi classify` tells."""

from __future__ import annotations

from models.optimum.rule_table import Days, RuleTable, Weight


class LevelRule(RuleTable):
    """One level: how much a routine visit counts, and how many days after a visit none follows."""

    weight: Weight
    rest: Days


class Levels(RuleTable):
    """The levels at which routine visits are made; a waived enterprise has none.

    A rule set with levels weighs visits by them, in place of the weights of class and exposure, and lets units rest by them.
    """

    intensified: LevelRule
    normal: LevelRule
    reduced: LevelRule

    def rule_of(self, level: str) -> LevelRule | None:
        """Return what holds at a level, None where routine visits are waived."""
        rules = {"intensified": self.intensified, "normal": self.normal, "reduced": self.reduced}
        return rules.get(level)
