"""Arms beside each other over paired seeds: ratios with intervals, groups against random visits, estimates against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy.stats import t as student

from lssi.policy_trial.choosing import EVERYBODY
from lssi.policy_trial.orders import BY_SCORE, Plain

REFERENCE = "plan"
"""The arm that others are compared with where it is there, else the first one."""
RANDOM = "random"
SURE = 0.975
"""The quantile of a 95 % interval."""
HOUR = 60
"""Minutes of an hour."""
FIGURES = ("workers_found", "workers_registered")
Runs = Mapping[str, Sequence[Plain]]


def comparison(runs: Runs) -> Plain:
    """Return by arm its totals, its curves by month, its ratios to the reference, its groups and its estimate."""
    reference = REFERENCE if REFERENCE in runs else next(iter(runs))
    return {
        "reference": reference,
        "seeds_without_numbers": [
            run["seed"] for run in runs[reference] if not run["first_model_tells_numbers"]
        ],
        "arms": {name: _arm(runs, name, reference) for name in runs},
    }


def _arm(runs: Runs, name: str, reference: str) -> Plain:
    arm_runs = runs[name]
    figures: Plain = {
        "totals": {
            figure: [total(run, figure) for run in arm_runs] for figure in (*FIGURES, "visits")
        },
        "reference_over_this": {
            figure: paired_ratio(
                [total(run, figure) for run in runs[reference]],
                [total(run, figure) for run in arm_runs],
            )
            for figure in FIGURES
        }
        | {
            BY_SCORE: paired_ratio(
                [found_by_score(run) for run in runs[reference]],
                [found_by_score(run) for run in arm_runs],
            )
        },
        "by_why": found_by_why(arm_runs),
        "by_month": _by_month(arm_runs),
        "groups": _group_chances(arm_runs, runs.get(RANDOM)),
        "estimates": [_estimate(run) for run in arm_runs],
    }
    if any("watch" in run for run in arm_runs):
        figures["letters"] = letter_figures(arm_runs)
    return figures


def total(run: Plain, figure: str) -> int:
    """Return the sum of a figure over the months of a run."""
    return sum(month[figure] for month in run["months"])


def found_by_score(run: Plain) -> int:
    """Return the workers that visits by score found over the months of a run."""
    rows = [month["by_why"].get("score") for month in run["months"]]
    return sum(workers for _, _, workers in filter(None, rows))


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Plain | None:
    """Return how many times as much one has as the other, over paired seeds, with its 95 % limits from two seeds on.

    None where one of them has nothing in some seed: a ratio to nothing says nothing.

    >>> paired_ratio([4.0, 4.0], [2.0, 2.0])
    {'value': 2.0, 'low': 2.0, 'high': 2.0, 'seeds': 2}
    """
    if not all(ours) or not all(theirs):
        return None
    logs = np.log(np.array(ours) / np.array(theirs))
    mean = float(logs.mean())
    if len(logs) < 2:
        return {"value": _rounded(np.exp(mean)), "low": None, "high": None, "seeds": 1}
    reach = float(student.ppf(SURE, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs)))
    low, high = np.exp(mean - reach), np.exp(mean + reach)
    ends = {"low": _rounded(low), "high": _rounded(high)}
    return {"value": _rounded(np.exp(mean)), **ends, "seeds": len(logs)}


def found_by_why(runs: Sequence[Plain]) -> Plain:
    """Return by why visits were made, over months and seeds, how many, their hours, the workers found, and those an hour."""
    months = list(chain.from_iterable(run["months"] for run in runs))
    table = {}
    whys = set(chain.from_iterable(month["by_why"] for month in months))
    for why in sorted(whys):
        rows = [month["by_why"][why] for month in months if why in month["by_why"]]
        visits, minutes, workers = (sum(column) for column in zip(*rows, strict=True))
        table[why] = {
            "visits": visits,
            "hours": _rounded(minutes / HOUR),
            "workers_found": workers,
            "an_hour": _rounded(workers * HOUR / minutes) if minutes else None,
        }
    return table


def _rounded(number: float) -> float:
    # the last bits of a logarithm differ between machines
    return round(float(number), 6)


def _by_month(runs: Sequence[Plain]) -> list[Plain]:
    """Return the mean over seeds of what each month came to."""
    names = ("workers_found", "workers_registered", "uncovered", "violators", "staff", "visits")
    rows = []
    for months in zip(*(run["months"] for run in runs), strict=True):
        means = {name: float(np.mean([month[name] for month in months])) for name in names}
        rows.append({"month": months[0]["month"], **means})
    return rows


def group_chance(runs: Sequence[Plain], group: str) -> float | None:
    """Return the visits to a group, of all months and seeds, by each of its units that routine visits reach and month."""
    units, visits = 0, 0
    for run in runs:
        for month in run["months"]:
            units += month["groups"][group][0]
            visits += month["groups"][group][1]
    return visits / units if units else None


def _group_chances(arm_runs: Sequence[Plain], at_random: Sequence[Plain] | None) -> Plain:
    """Return each group's chance of a visit in a month, and its ratio to the chance under random visits."""
    chances = {}
    for group in arm_runs[0]["months"][0]["groups"]:
        chance = group_chance(arm_runs, group)
        other = None if at_random is None else group_chance(at_random, group)
        ratio = None if not chance or not other else _rounded(chance / other)
        chances["all" if group == EVERYBODY else group] = {
            "chance": None if chance is None else _rounded(chance),
            "over_random": ratio,
        }
    return chances


def _estimate(run: Plain) -> Plain:
    """Return of a run by month what the lottery estimates, what it estimates in truth, and the error, where there is one."""
    rows = []
    for count in range(1, len(run["months"]) + 1):
        months = run["months"][:count]
        truth = float(np.mean([month["seen_if_all"] for month in months]))
        estimate = months[-1]["estimate"]
        row: dict[str, Any] = {"month": months[-1]["month"], "truth": truth}
        if isinstance(estimate, str):
            row["why_not"] = estimate
        else:
            row |= estimate
            row["error"] = _rounded(estimate["value"] / truth - 1) if truth else None
            row["holds"] = estimate["low"] <= truth <= estimate["high"]
        rows.append(row)
    return {"seed": run["seed"], "by_month": rows}


def letter_figures(runs: Sequence[Plain]) -> Plain:
    """Return what letters did: the workers without cover a month later, and the firms that closed and reopened, of each half."""
    figures: Plain = {}
    for half in ("letter", "no_letter"):
        months = chain.from_iterable(run["months"] for run in runs)
        pairs = [month["letters"][half] for month in months if "letters" in month]
        before = sum(first for first, _ in pairs)
        after = sum(second for _, second in pairs)
        firms = sum(run["watch"][half]["firms"] for run in runs)
        reopened = sum(run["watch"][half]["reopened"] for run in runs)
        figures[half] = {
            "uncovered_before": before,
            "uncovered_when_visited": after,
            "firms": firms,
            "reopened": reopened,
        }
    return figures
