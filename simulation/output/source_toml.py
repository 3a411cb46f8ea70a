"""The `source.toml` of a city."""

from __future__ import annotations

from collections.abc import Iterable

from features.calendar import date_of, first_day
from simulation.funds.providers import provider_count
from simulation.ground.setting import Setting

HEAD = """name = "{name}"
zh = "模拟城市（{enterprises}家企业）"
en = "a simulated city of {enterprises} enterprises"
complete_to = {until}
clock = "Asia/Shanghai"
absent = [{absent}]
"""
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
"""Days after a day looked from in which a provider's deception is sought."""
HISTORY = 8
"""Months of the city that lie before the first day looked from."""
ENOUGH_PROVIDERS, ENOUGH_MONTHS = 150, 27
"""Providers and months from which on a city declares the target of providers; a choice: fewer give too few labels."""


def city_split(setting: Setting) -> str:
    """Return the days that part training from testing: the last sixth of the months is the test."""
    test_months = max(1, setting.months // 6)
    test_from = first_day(setting.last + 1 - test_months)
    return _split_lines(test_from - 1, test_from, setting.until)


def _split_lines(train_until: int, test_from: int, test_until: int) -> str:
    """Return the three lines of a split."""
    days = {"train_until": train_until, "test_from": test_from, "test_until": test_until}
    lines = [f"{name} = {date_of(day).isoformat()}" for name, day in days.items()]
    return "\n".join(lines)


def source_toml_text(setting: Setting, *, absent: tuple[str, ...]) -> str:
    """Return the text of source.toml; `absent` names the contract tables that this city does not hold."""
    head = HEAD.format(
        name=setting.name or CITY,
        enterprises=setting.enterprises,
        until=date_of(setting.until).isoformat(),
        absent=_quoted(absent),
    )
    targets = ENTERPRISE_TARGETS
    if "claim_reviews" not in absent:
        targets += CLAIM_TARGET
    return head + targets.format(split=city_split(setting)) + provider_target(setting)


def _quoted(words: Iterable[str]) -> str:
    """Return words as the entries of a list in TOML."""
    return ", ".join(f'"{word}"' for word in words)


def provider_target(setting: Setting) -> str:
    """Return the target of providers, nothing in a city with too few of them or too few months to learn it.

    The days looked from are month ends three months apart; the last two, one horizon before the end, are the test.
    """
    if provider_count(setting) < ENOUGH_PROVIDERS or setting.months < ENOUGH_MONTHS:
        return ""
    days = _days_looked_from(setting)
    test_from, test_until = days[-2:]
    return PROVIDER_TARGET.format(
        horizon=HORIZON,
        as_of=_quoted(date_of(day).isoformat() for day in days),
        split=_split_lines(test_from - HORIZON, test_from, test_until),
    )


def _days_looked_from(setting: Setting) -> list[int]:
    """Return every third month end that has a horizon after it and HISTORY months before it, the last one first chosen."""
    months = range(setting.last, setting.first + HISTORY - 1, -1)
    ends = [first_day(month + 1) - 1 for month in months]
    usable = [day for day in ends if day + HORIZON <= setting.until]
    return sorted(usable[::3])
