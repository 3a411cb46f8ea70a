"""The `source.toml` of a city."""

from __future__ import annotations

from datetime import date

from features.city.setting import Setting
from features.days import date_of, first_day

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


def split_of(setting: Setting) -> str:
    """Return the days that part training from testing: the last sixth of the months is the test."""
    cut = first_day(setting.last + 1 - max(1, setting.months // 6))
    days = {"train_until": cut - 1, "test_from": cut, "test_until": setting.until}
    return "\n".join(f"{name} = {date_of(day).isoformat()}" for name, day in days.items())


def source_text(setting: Setting, *, absent: tuple[str, ...]) -> str:
    """Return the text of source.toml; `absent` names the contract tables that this city does not hold."""
    until: date = date_of(setting.until)
    head = (f'name = "city"\nzh = "模拟城市（{setting.enterprises}家企业）"\n'
            f'en = "a simulated city of {setting.enterprises} enterprises"\ncomplete_to = {until.isoformat()}\n'
            f'clock = "Asia/Shanghai"\nabsent = [{", ".join(repr(name) for name in absent)}]\n'.replace("'", '"'))
    targets = ENTERPRISE_TARGETS if "claim_reviews" in absent else ENTERPRISE_TARGETS + CLAIM_TARGET
    return head + targets.format(split=split_of(setting))
