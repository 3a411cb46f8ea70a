"""The `source.toml` of a city."""

from __future__ import annotations

from datetime import date

from features.calendar import date_of, first_day
from simulation.funds.providers import provider_count
from simulation.ground.setting import Setting

ENTERPRISE_TARGETS = """
[target.undeclared_workers]
zh = "未全员参保"
en = "workers without registration"
unit = "inspection"
violation = 1
label = "visit"
count = "workers_in_violation"

[target.undeclared_workers.split]
{split}

[target.unpaid_contributions]
zh = "未足额缴费"
en = "contributions not paid in full"
unit = "inspection"
violation = 2
label = "visit"
count = "amount"

[target.unpaid_contributions.split]
{split}
"""
CLAIM_TARGET = """
[target.fraudulent_claim]
zh = "骗领待遇"
en = "fraudulent claim"
unit = "claim"
label = "review"

[target.fraudulent_claim.split]
{split}
"""
PROVIDER_TARGET = """
[target.provider_deception]
zh = "定点机构骗保"
en = "provider that deceives the funds"
unit = "provider"
violation = 3
label = "visit"
horizon = {horizon}
as_of = [{as_of}]

[target.provider_deception.split]
{split}
"""
CITY = "city"
"""The name of a city that was given none."""
HORIZON = 180
ENOUGH_PROVIDERS, ENOUGH_MONTHS = 150, 27


def city_split(setting: Setting) -> str:
    """Return the days that part training from testing: the last sixth of the months is the test."""
    cut = first_day(setting.last + 1 - max(1, setting.months // 6))
    days = {"train_until": cut - 1, "test_from": cut, "test_until": setting.until}
    return "\n".join(f"{name} = {date_of(day).isoformat()}" for name, day in days.items())


def source_toml_text(setting: Setting, *, absent: tuple[str, ...]) -> str:
    """Return the text of source.toml; `absent` names the contract tables that this city does not hold."""
    until: date = date_of(setting.until)
    head = (
        f'name = "{setting.name or CITY}"\nzh = "模拟城市（{setting.enterprises}家企业）"\n'
        f'en = "a simulated city of {setting.enterprises} enterprises"\ncomplete_to = {until.isoformat()}\n'
        f'clock = "Asia/Shanghai"\nabsent = [{", ".join(repr(name) for name in absent)}]\n'.replace(
            "'", '"'
        )
    )
    targets = ENTERPRISE_TARGETS if "claim_reviews" in absent else ENTERPRISE_TARGETS + CLAIM_TARGET
    return head + targets.format(split=city_split(setting)) + provider_target(setting)


def provider_target(setting: Setting) -> str:
    """Return the target of providers, nothing in a city with too few of them or too few months to learn it.

    The days looked from are month ends three months apart; the last two, one horizon before the end, are the test.
    """
    if provider_count(setting) < ENOUGH_PROVIDERS or setting.months < ENOUGH_MONTHS:
        return ""
    ends = [first_day(month + 1) - 1 for month in range(setting.last, setting.first + 7, -1)]
    days = sorted([day for day in ends if day + HORIZON <= setting.until][::3])
    split = {"train_until": days[-2] - HORIZON, "test_from": days[-2], "test_until": days[-1]}
    return PROVIDER_TARGET.format(
        horizon=HORIZON,
        as_of=", ".join(f'"{date_of(day).isoformat()}"' for day in days),
        split="\n".join(f"{name} = {date_of(day).isoformat()}" for name, day in split.items()),
    )
