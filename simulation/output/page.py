"""The page docs/city.md: every mechanism with its parameters, made from the code."""

from __future__ import annotations

import sys
from importlib import import_module

from simulation.ground.parameters import Parameters

MECHANISMS = (
    "ground.setting",
    "ground.geography",
    "labour.firms",
    "labour.honesty",
    "labour.staff",
    "dynamics.work",
    "labour.late_registration",
    "labour.registrations",
    "labour.contributions",
    "labour.agency",
    "dynamics.phoenix",
    "labour.attributes",
    "labour.tax",
    "labour.power",
    "inspection.complaints",
    "labour.arrears",
    "inspection.visits",
    "inspection.findings",
    "dynamics.reaction",
    "dynamics.letters",
    "inspection.campaign",
    "funds.providers",
    "labour.fiction",
    "funds.medical_claims",
    "funds.settled_rows",
    "dynamics.cash_claims",
    "funds.benefits",
    "labour.deaths",
    "funds.reviews",
)
HEAD = """## {name}

{sentence}

| parameter | value | unit | source | meaning |
|---|---|---|---|---|"""
ROW = "| {0.name} | {0.value:g} | {0.unit} | {0.source} | {0.meaning} |"
INTRODUCTION = """# The simulated city

`lssi city OUT --enterprises N --months M --until D --seed S` simulates a city and writes it as a source like any
other. The source is called `city` unless `--name` says otherwise. Two cities that are trained in one `$LSSI_HOME`
need two names.

| in `OUT` | what it is |
|---|---|
| `source.toml` | the declaration of the source |
| `TABLE/` | the rows of one table of the contract, in Parquet parts |
| `truth/enterprises` | for each enterprise and month: uncovered workers, staff, and the shortfall of contributions |
| `truth/claims` | for each false claim: in which way it is false |
| `truth/providers` | for each provider and month: whether it cheats the funds |
| `progress/` | the digests of the finished parts |

No database holds what is in `truth/`, and no view of the source reads it. If a run is stopped, the same command
resumes it. It also writes a finished part again if the part's bytes have changed.

## How it is made

The same arguments give the same bytes. Every mechanism has its own random stream, which is derived from the seed, the
block of 4,096 enterprises, the month and the mechanism. Workers, labour dispatch, phoenix firms and shared addresses
stay within a block. So blocks are simulated one after another, in bounded memory. Each block is one part: part k of
every table holds the same enterprises. Part 0 holds what belongs to the whole city: cells, teams, members, holidays,
providers and the visits to providers.

A block advances month by month. `begin(setting, block)` returns its first state. `advance(state, month, visits)`
returns the next state, the rows of the month and its truth, and changes no argument.

An inspectorate chooses the visits of each month. Without one, visits follow the inspectors' habit, as they did before
there was a model. To try a policy, pass an inspectorate of your own as the last argument of `write_city`, which calls
the inspectorate's `choose(state, month)`. Employers react to its visits, and to medals and exposure.

Who wants to see all blocks before the visits of a month are chosen steps the city instead (`simulation/stepped.py`).
`begun_city` lives the first months by habit. `next_month` lives one more with the visits and letters that are ordered,
and writes the rows that databases come to know in it.

## What the tables hold

- **Volumes.** Contributions have one row per worker and month for the pension scheme. One worker in four has rows of
  the medical scheme as well. Enrolments have the pension and medical schemes, and the other schemes for one worker in
  eight. A worker registered for pension alone has no medical rows. Pensioners are a sample. All other volumes are
  those of the full city, scaled down.
- **Versions.** A later row with the same key states the end of an employment or of cover, a late payment, a closed
  visit, a paid cash claim or settled arrears. Corrections and retractions of tax filings, findings, complaints,
  claims and reviews are rows too.
- **Drift.** Halfway through the months, tax filings begin to arrive later, and employers in transport and IT begin to
  leave staff out in a new way. Alerts become frequent when the Mobile Tool is adopted in January 2014.
- **Innocent noise.** Honest units too have staff without cover who are insured elsewhere, part-timers, agency
  workers, relatives in the tax filing, old rows that were entered together, employments whose end nobody reported,
  late months and short delays.

## What one run gave

Measured once with 20,000 enterprises, 36 months and seed 1. Another seed differs in the second digit.

| figure | value |
|---|---|
| workers per unit | 13 |
| units visited in a year | 5.9 % |
| closed visits that examined type 1 and found uncovered workers | 32 % |
| closed visits that examined type 2 and found money owed | 16 % |
| reviewed claims that were fraud | 11 % |
| highest AUC of a single feature | .70 uncovered workers, .70 money owed, .71 claims, .74 providers |
| AUC of a model of all features on the last half year | .84 uncovered workers, .83 claims |

The full city has 192 M rows of contributions and 29 M of claims, in 2.1 GB. Writing it took about 430 CPU seconds of
one core and 0.95 GB of memory.

## Where the figures come from

The column "source" of the tables below says where a figure comes from. `seed` is the ILO's note on Qingdao's
inspectorate. `public` is a public rule or map. Everything else is assumed. No figure is measured, and none says
anything about the real city.
"""


def parameters_of(name: str) -> Parameters:
    """Return the parameters of one mechanism."""
    declared: Parameters = import_module(f"simulation.{name}").P
    return declared


def city_page() -> str:
    """Return the whole page."""
    sections = [section(name) for name in MECHANISMS]
    return "\n".join([INTRODUCTION, *sections])


def section(name: str) -> str:
    """Return one mechanism: its sentence and the table of its parameters."""
    module = import_module(f"simulation.{name}")
    sentence = module.__doc__ or ""
    head = HEAD.format(name=name, sentence=sentence.strip())
    rows = [ROW.format(row) for row in parameters_of(name).rows]
    return "\n".join([head, *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(city_page())
