"""The policies of the trial: what a plan finds month by month beside a ranking and random visits, and what its rules cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lssi.policy_trial.arms import arms_of
from lssi.policy_trial.comparison import paired_ratio
from lssi.policy_trial.learning import learned_bundle, lottery_estimate
from lssi.policy_trial.stage import Methods, TrialCity
from lssi.policy_trial.trial import PolicyTrial, trial_result

LAST_DAY = "2015-06-30"
ARMS = (
    "plan",
    "probability",
    "random",
    "without_lottery",
    "without_floors",
    "probability_without_floors",
)
TIMES = {"probability": 1.25, "random": 3.0}
"""By arm: how many times as many workers the plan is to find, with a lower bound above 1."""
LOTTERY_COSTS = 0.08
"""Share of the workers that a lottery of 10 % of the minutes may cost."""
FLOORED = ("small", "rural")
SIDE_BY_SIDE = 2
"""Seeds lived at once: one for each core."""


def policies(folder: Path, *, enterprises: int, months: int, seeds: int) -> bool:
    """Print what the arms found over paired seeds; tell whether all is as asked. A trial that was stopped goes on."""
    city = TrialCity(folder / f"policies-{enterprises}-{months}", enterprises, months, LAST_DAY)
    trial = PolicyTrial(
        city,
        arms_of([], ARMS),
        tuple(range(1, seeds + 1)),
        Methods(learned_bundle, lottery_estimate),
    )
    print(f"\npolicies, {seeds} cities of {enterprises:,} over {months} months: workers found")
    result = trial_result(trial, SIDE_BY_SIDE, lambda *_: None)
    arms = result["arms"]
    for name, told in arms.items():
        print(f"| {name} | {told['totals']['workers_found']} | {_chances(told['groups'])} |")
    good = [_is_better(arms, name, least) for name, least in TIMES.items()]
    good.append(_is_cheap(arms["without_lottery"]))
    good += [_is_reached(arms["plan"]["groups"], group) for group in FLOORED]
    print(f"floors: without them {_inverse(arms['without_floors']):.3f} times as many: not asked")
    _print_without_floors(arms)
    return all(good)


def _chances(groups: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {told['chance']} ({told['over_random']})" for name, told in groups.items()
    )


def _is_better(arms: dict[str, Any], name: str, least: float) -> bool:
    """Print how many times as many workers the plan finds as an arm; tell whether it suffices."""
    ratio = arms[name]["reference_over_this"]["workers_found"]
    if ratio is None:
        print(f"plan over {name}: one of them found nobody in some seed: MISSED")
        return False
    is_good = ratio["value"] >= least and (ratio["low"] is None or ratio["low"] > 1)
    limits = "one seed has no interval"
    if ratio["low"] is not None:
        limits = f"[{ratio['low']:.2f}, {ratio['high']:.2f}]"
    print(
        f"plan over {name}: {ratio['value']:.2f} {limits}, asked {least}: {_word(is_good=is_good)}"
    )
    return is_good


def _inverse(told: dict[str, Any]) -> float:
    """Return how many times as many workers an arm finds as the plan."""
    ratio = told["reference_over_this"]["workers_found"]
    return float("nan") if ratio is None else 1 / float(ratio["value"])


def _print_without_floors(arms: dict[str, Any]) -> None:
    """Print how many times as many workers the plan finds as a ranking where neither has floors."""
    plan, ranking = (
        arms[name]["totals"]["workers_found"]
        for name in ("without_floors", "probability_without_floors")
    )
    print(f"plan over probability, both without floors: {paired_ratio(plan, ranking)}: not asked")


def _is_cheap(without: dict[str, Any]) -> bool:
    """Print which share of the workers the lottery costs; tell whether it is little enough."""
    cost = 1 - 1 / _inverse(without)
    is_good = cost <= LOTTERY_COSTS
    print(
        f"lottery of 10 %: costs {cost:.1%}, asked {LOTTERY_COSTS:.0%} at most: {_word(is_good=is_good)}"
    )
    return is_good


def _is_reached(groups: dict[str, Any], group: str) -> bool:
    """Print a floored group's chance of a visit beside random visits; tell whether it is no smaller."""
    ratio = groups[group]["over_random"]
    is_good = ratio is not None and ratio >= 1
    print(f"chance of {group} over random: {ratio}, asked 1: {_word(is_good=is_good)}")
    return is_good


def _word(*, is_good: bool) -> str:
    return "as asked" if is_good else "MISSED"
