"""The command that tries policies on a simulated city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lssi.options import Json
from lssi.output import progress, say, say_lines

TrialFolder = Annotated[
    Path,
    typer.Argument(metavar="OUT", help="写到哪个文件夹 / folder to write the trial to"),
]
TrialEnterprises = Annotated[
    int, typer.Option("--enterprises", help="企业数 / number of enterprises")
]
TrialMonths = Annotated[int, typer.Option("--months", help="月数 / months under the arms")]
TrialUntil = Annotated[str, typer.Option("--until", help="最后一日 / last day of the last month")]
FirstSeed = Annotated[int, typer.Option("--seed", help="首个种子 / seed of the first city")]
Seeds = Annotated[
    int,
    typer.Option("--seeds", help="种子数，从首个起 / how many cities, of seeds one after another"),
]
PolicyFiles = Annotated[
    list[Path] | None,
    typer.Option("--policy", help="安排的声明文件，可多次 / a file of arms, more than once"),
]
ArmNames = Annotated[
    list[str] | None,
    typer.Option("--arm", help="只用此安排，可多次 / this arm of those declared, more than once"),
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="进程数 / seeds lived side by side")
]


def simulate_policy_command(
    out: TrialFolder,
    *,
    enterprises: TrialEnterprises = 5_000,
    months: TrialMonths = 12,
    until: TrialUntil = "2015-06-30",
    seed: FirstSeed = 1,
    seeds: Seeds = 1,
    policy: PolicyFiles = None,
    arm: ArmNames = None,
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """政策模拟。Try ways of choosing visits on a simulated city, month by month with reactions and
    retraining: workers found, the truth, the lottery's estimate and groups; a stopped run goes on.
    """
    from lssi.policy_trial.arms import arms_of
    from lssi.policy_trial.learning import learned_bundle, lottery_estimate
    from lssi.policy_trial.stage import Methods, TrialCity
    from lssi.policy_trial.trial import PolicyTrial, page_place, trial_result
    from lssi.policy_trial.trial_lines import trial_lines

    arms = arms_of(policy or [], arm or [])
    city = TrialCity(out, enterprises, months, until)
    methods = Methods(learned_bundle, lottery_estimate)
    trial = PolicyTrial(city, arms, tuple(range(seed, seed + seeds)), methods)
    with progress("政策模拟 / policy simulation") as advance:
        result = trial_result(trial, workers, advance)
    if as_json:
        say(result)
        return
    say_lines(trial_lines(result, arms))
    print(f"{page_place(out)}")
