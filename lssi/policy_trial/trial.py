"""A trial of policies: every arm of every seed, made or gone on with, and what they came to beside each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from features.errors import RequestError, SourceError
from features.files import write_text
from lssi.policy_trial.arm_run import ArmRun, arm_outcome, write_json
from lssi.policy_trial.arms import Arm
from lssi.policy_trial.comparison import comparison
from lssi.policy_trial.orders import Plain
from lssi.policy_trial.page import policy_page
from lssi.policy_trial.stage import Methods, TrialCity, stage_of
from lssi.policy_trial.workers import named_as_program

Progress = Callable[[int, int], None]
RESULT, PAGE = "result.json", "page.html"
FEWEST, MOST_SEEDS = 1_000, 100
"""Enterprises and seeds that a trial takes: with fewer firms too few visits teach; a choice."""


@dataclass(frozen=True, slots=True)
class PolicyTrial:
    """What is tried: a city, the arms by name, the seeds, and how arms learn and estimate."""

    city: TrialCity
    arms: dict[str, Arm]
    seeds: tuple[int, ...]
    methods: Methods

    @property
    def months(self) -> int:
        """The months that all arms of all seeds live together."""
        return len(self.seeds) * len(self.arms) * self.city.months


def trial_result(trial: PolicyTrial, workers: int, progress: Progress) -> Plain:
    """Return what the arms came to over all seeds, written to the trial's folder with its page.

    A trial that was stopped goes on. Each seed is lived in a process of its own where there are several workers.
    """
    check_trial(trial.city, trial.seeds)
    keep_arguments(trial.city, trial.arms, trial.seeds)
    outcomes = _lived(trial, workers, progress)
    runs: dict[str, list[Plain]] = {name: [of[name] for of in outcomes] for name in trial.arms}
    result = {
        "enterprises": trial.city.enterprises,
        "months": trial.city.months,
        "until": trial.city.until,
        "seeds": list(trial.seeds),
        "declared": {name: arm.model_dump() for name, arm in trial.arms.items()},
        **comparison(runs),
    }
    write_json(trial.city.out / RESULT, result)
    write_text(page_place(trial.city.out), policy_page(result, trial.arms))
    return result


def _lived(trial: PolicyTrial, workers: int, progress: Progress) -> list[dict[str, Plain]]:
    """Return by seed what each arm came to, seeds side by side where there are workers for them."""
    if workers > 1 and len(trial.seeds) > 1:
        return _side_by_side(trial, workers, progress)
    return _one_by_one(trial, progress)


def _one_by_one(trial: PolicyTrial, progress: Progress) -> list[dict[str, Plain]]:
    """Return by seed what each arm came to, telling of each month."""
    months_done = 0

    def month_done() -> None:
        nonlocal months_done
        months_done += 1
        progress(months_done, trial.months)

    return [seed_outcome(trial, seed, month_done) for seed in trial.seeds]


def _side_by_side(trial: PolicyTrial, workers: int, progress: Progress) -> list[dict[str, Plain]]:
    """Return by seed what each arm came to, each seed in a process of its own, telling of each seed."""
    outcomes = []
    # the end of the block ends the workers too, so that a trial that is stopped leaves none behind
    with get_context("spawn").Pool(workers, initializer=named_as_program) as pool:
        for of_seed in pool.imap(partial(seed_outcome, trial), trial.seeds):
            outcomes.append(of_seed)
            progress(trial.months * len(outcomes) // len(trial.seeds), trial.months)
    return outcomes


def nothing_to_say() -> None:
    """Say nothing when a month is done."""


def seed_outcome(
    trial: PolicyTrial, seed: int, month_done: Callable[[], None] = nothing_to_say
) -> dict[str, Plain]:
    """Return what each arm came to on the city of a seed."""
    stage = stage_of(trial.city, seed, trial.methods)
    outcomes = {}
    for name, arm in trial.arms.items():
        folder = trial.city.out / f"seed-{seed}" / _folder_name(name, arm)
        run = ArmRun(stage, seed, name, arm, folder)
        outcomes[name] = arm_outcome(run, trial.city.months, month_done)
    return outcomes


def _folder_name(name: str, arm: Arm) -> str:
    """Return the folder of an arm: one that is declared otherwise has another, so that no month of another is read."""
    lines = arm.model_dump(exclude={"zh", "en"})
    digest = hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()
    return f"{name}-{digest[:8]}"


def check_trial(asked: TrialCity, seeds: Sequence[int]) -> None:
    """Raise RequestError for a trial that says nothing or does not end."""
    if asked.enterprises < FEWEST:
        raise RequestError(
            f"--enterprises should be at least {FEWEST}, so that visits teach a model; got {asked.enterprises}"
        )
    if asked.months < 1:
        raise RequestError(f"--months should be at least 1; got {asked.months}")
    if not 1 <= len(seeds) <= MOST_SEEDS:
        raise RequestError(f"--seeds should be 1 to {MOST_SEEDS}; got {len(seeds)}")
    for seed in seeds:
        asked.setting(seed)


def keep_arguments(asked: TrialCity, arms: Mapping[str, Arm], seeds: Sequence[int]) -> None:
    """Write down which city a folder's trial has; SourceError where it has another. Seeds and arms may be added."""
    place = asked.out / "trial.json"
    city = {"enterprises": asked.enterprises, "months": asked.months, "until": asked.until}
    if asked.out.is_file():
        raise SourceError(f"{asked.out} is a file; a trial is written to a folder")
    if place.exists():
        earlier = json.loads(place.read_text("utf-8"))
        if earlier["city"] != city:
            raise SourceError(
                f"{asked.out} has a trial of other arguments; choose another folder or remove it"
            )
    elif asked.out.is_dir() and any(not one.name.startswith(".") for one in asked.out.iterdir()):
        raise SourceError(f"{asked.out} is not empty and has no trial; choose another folder")
    write_json(place, {"city": city, "arms": list(arms), "seeds": list(seeds)})


def page_place(out: Path) -> Path:
    """Return where the page of a trial is written."""
    return out / PAGE
