"""What the lottery's intervals hold, and what the trial of a list decides: `python -m benchmarks lottery`.

Frozen populations, each drawn 2,000 times: how often the 95 % interval holds the truth, and how wide it is beside an oracle that
knows the standard deviation of the same estimate. Then trials of 2,500 visits by lift: how many are halted, and when. With
BENCH_CITY=FOLDER the truth of a simulated city is a population too. BENCH_TRIALS=N sets the trials of each lift (400).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.ingest.scan import files_in, read_parquet
from training.evaluation.estimate import Estimate, amount_total, share_total
from training.evaluation.found import proposed_list, recall, visited_list
from training.evaluation.lift_trial import HALT, LiftTrial, LiveVisits, decided
from training.evaluation.lottery import Survey

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
REDRAWS = 2_000
LIFTS = (0.7, 1.0, 1.01, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0)
WEEKS = 25
"""Weeks of a trial, so that one of 2,500 visits judges after each 100."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """A frozen population: who violates, how many workers, what a model tells of both, and who is on the list."""

    name: str
    guilty: Floats
    workers: Floats
    probability: Floats
    number: Floats
    listed: Flags


def made_up(units: int, list_share: float) -> Population:
    """Return a population of which a tenth violates, and few units have most workers."""
    generator = np.random.default_rng(1)
    probability = 1 / (1 + np.exp(2.5 - 1.2 * generator.normal(size=units)))
    guilty = (generator.random(units) < probability).astype(np.float64)
    size = generator.lognormal(0.6, 1.2, units)
    workers = guilty * np.ceil(size * generator.lognormal(0, 0.5, units))
    number = probability * size * workers.sum() / (probability * size).sum()
    listed = first_of(probability, list_share)
    return Population(f"made up, {units:,}", guilty, workers, probability, number, listed)


def first_of(score: Floats, share: float) -> Flags:
    """Return which units are the first share of all by falling score."""
    rank = np.argsort(np.argsort(-score, kind="stable"))
    return np.asarray(rank < share * len(score))


def city_truth(city: Path) -> Population:
    """Return the last month of a simulated city's truth; the model is a noisy look at staff and truth."""
    truth = read_parquet(files_in(city / "truth" / "enterprises"))
    last = truth.filter(pl.col("month") == truth["month"].max())
    workers = last["uncovered"].fill_null(0).to_numpy().astype(np.float64)
    staff = last["staff"].fill_null(0).to_numpy().astype(np.float64)
    generator = np.random.default_rng(2)
    guilty = (workers > 0).astype(np.float64)
    log_odds = 1.2 * guilty - 1.5 + 0.2 * np.log1p(staff) + generator.normal(size=len(staff))
    probability = 1 / (1 + np.exp(-log_odds))
    size = probability * np.sqrt(staff + 1)
    number = size * workers.sum() / size.sum()
    name = f"city, {len(staff):,} firms"
    return Population(name, guilty, workers, probability, number, first_of(number, 0.05))


def with_list(value: Floats, survey: Survey, listed: Flags, told: Floats) -> Survey:
    """Return a survey in which every unit of the list was visited and a model tells something of all."""
    seen = np.where(listed, value, survey.value)
    return Survey(seen, survey.inclusion, told, survey.weight)


def estimates(each: Population, violators: Survey, workers: Survey) -> dict[str, object]:
    """Return the estimates of one draw by name."""
    nothing = np.zeros(len(each.listed))
    listed = each.listed
    census = with_list(each.guilty, violators, listed, nothing)
    both = with_list(each.guilty, violators, listed, each.probability)
    numbers = with_list(each.workers, workers, listed, each.number)
    assisted = Survey(
        violators.value, violators.inclusion, each.probability, np.ones(len(each.listed))
    )
    return {
        "violators, drawn visits alone": share_total(violators),
        "violators, list as a census": visited_list(census, listed, share_total).whole,
        "violators, census and model": visited_list(both, listed, share_total).whole,
        "recall, census and model": recall(visited_list(both, listed, share_total)),
        "recall of a list not visited": recall(proposed_list(assisted, listed, share_total)),
        "workers, drawn visits alone": amount_total(workers),
        "workers, census and model": visited_list(numbers, listed, amount_total).whole,
        "workers recall, census and model": recall(visited_list(numbers, listed, amount_total)),
    }


def truths(each: Population) -> dict[str, float]:
    """Return the truth of each estimate by the first word of its name."""
    share = float(each.guilty[each.listed].sum() / each.guilty.sum())
    of_workers = float(each.workers[each.listed].sum() / each.workers.sum())
    return {
        "violators": float(each.guilty.sum()),
        "workers": float(each.workers.sum()),
        "recall": share,
        "workers recall": of_workers,
    }


@dataclass(frozen=True, slots=True)
class Held:
    """What the intervals of an estimate did over redraws: how often they held the truth, and their mean width beside others'.

    `oracle` is over the width of one that knows the standard deviation of the same estimate, `alone` over that of drawn
    visits alone, None where there are none of its kind.
    """

    name: str
    draws: int
    holds: float
    oracle: float
    alone: float | None


def redrawn(each: Population, chance: float, redraws: int) -> list[Held]:
    """Return what the intervals of every estimate did over so many redraws of a population."""
    generator = np.random.default_rng(3)
    nothing, ones = np.zeros(len(each.guilty)), np.ones(len(each.guilty))
    limits: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(redraws):
        drawn = generator.random(len(each.guilty)) < chance
        inclusion = np.where(drawn, chance, np.nan)
        violators = Survey(np.where(drawn, each.guilty, np.nan), inclusion, nothing, ones)
        workers = Survey(np.where(drawn, each.workers, np.nan), inclusion, nothing, ones)
        for name, made in estimates(each, violators, workers).items():
            if isinstance(made, Estimate):
                limits.setdefault(name, []).append((made.value, made.low, made.high))
    return _held(each, limits)


def _held(each: Population, limits: dict[str, list[tuple[float, float, float]]]) -> list[Held]:
    """Return the figures of every estimate from its value and ends at each redraw."""
    widths: dict[str, float] = {}
    rows = []
    for name, draws in limits.items():
        first_words = name.split(",")[0].split(" of ")[0]
        truth = truths(each)[first_words]
        value, low, high = np.array(draws).T
        widths[name] = float((high - low).mean())
        holds = float(np.mean((low <= truth) & (truth <= high)))
        oracle = widths[name] / (2 * 1.96 * float(value.std()))
        alone = widths.get(f"{first_words}, drawn visits alone")
        ratio = widths[name] / alone if alone else None
        rows.append(Held(name, len(draws), holds, oracle, ratio))
    return rows


def report(each: Population, chance: float) -> None:
    """Print coverage, width beside the oracle's, and width beside drawn visits alone."""
    print(f"{each.name}, {chance:.1%} drawn, {REDRAWS:,} redraws")
    for row in redrawn(each, chance, REDRAWS):
        ratio = "" if row.alone is None else f"{row.alone:.2f}"
        print(f"| {row.name} | {row.draws:,} | {row.holds:.3f} | {row.oracle:.2f} | {ratio} |")


def live(base: float, lift: float, share: float, seed: int) -> LiveVisits:
    """Return the visits of one trial: a share of each week's is drawn, the rest is a list of that lift."""
    trial = LiftTrial()
    generator = np.random.default_rng(seed)
    a_week = trial.visits // WEEKS
    drawn_a_week = np.arange(a_week) >= a_week - round(share * a_week)
    drawn = np.tile(drawn_a_week, WEEKS)
    chance = np.where(drawn, base, min(base * lift, 1.0))
    hit = (generator.random(trial.visits) < chance).astype(np.float64)
    period = np.repeat(np.arange(WEEKS), a_week)
    return LiveVisits(hit, drawn, period, np.ones(trial.visits))


def verdicts(base: float, lift: float, share: float, trials: int) -> list[tuple[str, int]]:
    """Return the word of each of so many trials, and after how many visits it fell."""
    return [decided(live(base, lift, share, seed), LiftTrial()) for seed in range(trials)]


def power(base: float, share: float, trials: int) -> None:
    """Print by lift how many trials are halted, and after how many visits half of the shown were shown."""
    print(f"base rate {base:.0%}, {share:.0%} of the visits drawn, {trials:,} trials of each lift")
    for lift in LIFTS:
        words = verdicts(base, lift, share, trials)
        halted = np.mean([word == HALT for word, _ in words])
        shown = [after for word, after in words if word != HALT]
        middle = f"{np.median(shown):,.0f}" if shown else "-"
        print(f"| {base:.0%} | {share:.0%} | {lift} | {halted:.3f} | {middle} |", flush=True)


def main() -> None:
    """Report every population and every trial."""
    report(made_up(40_000, 0.1), 0.01)
    report(made_up(20_000, 0.05), 0.05)
    if city := os.environ.get("BENCH_CITY"):
        for chance in (0.02, 0.05):
            report(city_truth(Path(city)), chance)
    trials = int(os.environ.get("BENCH_TRIALS", "400"))
    for share in (0.1, 0.05):
        for base in (0.2, 0.48):
            power(base, share, trials)


if __name__ == "__main__":
    main()
