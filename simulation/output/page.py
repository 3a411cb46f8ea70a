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

`lssi city OUT --enterprises N --months M --until D --seed S` writes a simulated city as a source like any other:
`source.toml` and one folder of Parquet parts per contract table. `OUT/truth/` holds what is true and in no database
(uncovered workers, staff and contributions short of every enterprise and month; the claims that are false and how;
the providers that deceive and when); no view of the source reads it. `OUT/progress/` holds the digests of finished
parts: the same command resumes a stopped run, and makes again a part whose bytes have changed. The source is called `city`
unless `--name` says otherwise; two cities that are trained in one `$LSSI_HOME` need two names.

The same arguments give the same bytes: every mechanism draws from its own stream, spawned from the seed by block of
4,096 enterprises, month and mechanism. Workers, dispatch, phoenix firms and shared addresses stay inside a block, so
blocks are made one after another in bounded memory, and part k of every table holds the rows of the same enterprises;
part 0 holds what belongs to the whole city (cells, teams, members, holidays, providers and the visits to them).

A block moves month by month: `begin(setting, block)`, then `advance(state, month, visits)` returns the next state,
the month's rows and its truth, and changes no argument. The visits of each month come from an inspectorate:
`write_city(out, setting, progress, inspectorate)` calls its `choose(state, month)`, which is habit where nothing else is
given. A caller who tries a policy writes one of its own, and employers react to its visits, medals and exposure.

What a reader of the tables should know, beside the contract:

- **Volumes.** Contributions hold one row per worker and month for the pension scheme, and rows of the medical scheme
  for one worker in four; enrolments hold pension and medical, and the other schemes for one worker in eight. A
  worker registered for pension alone has no medical rows. Pensioners are a sample. The other figures are scaled from
  the full city's.
- **Versions.** An end of employment or cover, a late payment, a closed visit, a paid cash claim, a settled arrear are
  later rows with the same key; corrections and retractions of tax filings, findings, complaints, claims and reviews
  are rows, too.
- **Drift.** In the middle of the months tax filings begin to arrive later, and transport and IT begin to leave staff
  out in a new way. Alerts become frequent when the Mobile Tool is adopted in January 2014.
- **Honest noise.** Honest units, too, have staff without cover who are insured elsewhere, part-timers, agency
  workers, relatives in the tax filing, old rows entered together, ends that nobody files, late months and short
  delays.

What came out once, with 20,000 enterprises, 36 months, seed 1 (another seed differs in the second digit): 13 workers
a unit; visits reach 5.9 % of the units a year; 32 % of the closed visits that examined type 1 found workers left out,
16 % of those that examined type 2 found money owed, 11 % of the reviewed claims were fraud. No feature of the
catalogue alone reached an AUC of .75 (highest: .70 for workers left out, .70 for money owed, .71 for claims, .74 for
providers), models trained on all of them .84 for workers left out and .83 for claims on the last half year. The full
city came to 192 M rows of contributions and 29 M of claims in 2.1 GB, about 430 cpu seconds of one core, and held
0.95 GB of memory when looked at.

"Source" says where a figure comes from: `seed` is the ILO's note on Qingdao's inspectorate, `public` a public rule or
map, everything else is assumed. None of it is measured, and no figure of the city says anything about the real one.
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
