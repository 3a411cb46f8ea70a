# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 监察的一周 · A week of inspections
#
# 抽签、计划、理由、预警、结果、估计、申诉、说明、重放：每一步都是一条 `lssi` 命令，此处以 Python 调用。
# Lottery, plan, why, alert, outcome, estimate, appeal, notice, replay: each step is a command of `lssi`, called from Python here.
#
# `LSSI_SOURCE` 是数据源文件夹，其目标 `undeclared_workers` 须已有启用的模型；`LSSI_HOME` 是结果所在。
# `LSSI_SOURCE` names the folder of a source whose target `undeclared_workers` has a promoted model,
# `LSSI_HOME` the place of what is made. 一座合适的城市 A city that fits: `lssi city city --enterprises 2000`,
# `lssi train undeclared_workers city`, `lssi promote undeclared_workers 1`.
# `LSSI_PUBLIC_AFTER`：多少秒后公开数值已知，须长于承诺本身。
# `LSSI_PUBLIC_AFTER`: seconds until the public value is known, more than the commitment takes.

# %%
import io
import json
import os
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import altair as alt
import pandas as pd

from features.calendar import date_of
from features.home import home
from features.store.opening import open_own_store
from lssi.commands.alerting import alerts_command
from lssi.commands.audit import notice_command, replay_command
from lssi.commands.estimating import estimate_command
from lssi.commands.loop import acknowledge_command, appeal_command, outcome_command
from lssi.commands.lottery import commit_lottery, draw_week, verify_draw
from lssi.commands.planning import plan_command, why_command
from lssi.commands.scoring import batch_command

source = os.environ.get("LSSI_SOURCE", "city")
target = "undeclared_workers"
public_after = int(os.environ.get("LSSI_PUBLIC_AFTER", "60"))
store = open_own_store(source)
last_day = date_of(store.complete_to)
week = str(last_day + timedelta(days=7 - last_day.weekday()))
print(store.source.zh, "·", store.source.en, "· 截至 complete to", last_day, "· 本周 week of", week)

# %% [markdown]
# ## 抽签 · The lottery
#
# 先承诺名单、规则和种子的摘要，再等一个事后才公开的数值（此处一分钟；实际中可取次日报纸上的收盘指数），然后抽签；任何人都可核对。
# First the unit list, the rule and the seed's digest are committed to; then a value becomes public (within a minute
# here, in practice the closing index in tomorrow's newspaper); then the draw is made, and anybody can verify it.

# %%
public_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=public_after)
commit_lottery(source, week, "收盘指数 closing index", public_at.isoformat())

# %%
time.sleep(max(0.0, (public_at - datetime.now(UTC)).total_seconds() + 1))
draw_week(source, week, "3686.92")
verify_draw(source, week)

# %% [markdown]
# ## 计划 · The plan
#
# 每个网格一份名单，不超过队伍的时间；每行写明理由。 One list a cell within its team's minutes; each line says why it is there.

# %%
with redirect_stdout(io.StringIO()) as told:
    plan_command(source, week, as_json=True)
plan = json.loads(told.getvalue())
visits = pd.DataFrame([visit for cell in plan["cells"] for visit in cell["visits"]])
print(plan["plan"], ":", plan["planned_minutes"], "/", plan["minutes"], "min")
visits[["enterprise", "why", "minutes", "probability", "rank"]].head(12)

# %%
alt.Chart(visits.groupby("why", as_index=False).agg(minutes=("minutes", "sum"))).mark_bar().encode(
    x=alt.X("minutes:Q", title="分钟 minutes"), y=alt.Y("why:N", title=None)
).properties(width=480, height=110)

# %% [markdown]
# ## 为何 · Why
#
# 名单上的第一户，和不在名单上的一户。 The first firm of the lists, and one that is on none.

# %%
why_command(source, visits["enterprise"][0], week)

# %%
listed = set(visits["enterprise"])
missed = next(name for name in store.texts("enterprise") if name not in listed)
why_command(source, missed, week)

# %% [markdown]
# ## 预警 · An alert
#
# 预警只发给负责的队伍，由它签收。 An alert goes to the responsible team only, which acknowledges it.

# %%
with redirect_stdout(io.StringIO()) as told:
    alerts_command(source, str(last_day), as_json=True)
alerts = json.loads(told.getvalue())["issued"]
alert = alerts[0]
print(len(alerts), "条预警 alerts;", alert["alert"], "→", alert["team"])
print(alert["check"]["zh"], "\n" + alert["check"]["en"])
acknowledge_command(source, alert["alert"], team=alert["team"])

# %% [markdown]
# ## 结果 · An outcome
#
# 检查的结果写回；下次训练时成为标签。 What the visit found is posted back, and is a label of the next training.

# %%
found = {
    "inspection": "week-1",
    "enterprise": visits["enterprise"][0],
    "plan": plan["plan"],
    "opened": week,
    "closed_on": week,
    "examined": [1],
    "found": [{"violation": 1, "workers": 2}],
}
outcome_file = home() / "week-outcome.json"
outcome_file.write_text(json.dumps(found), "utf-8")
outcome_command(source, outcome_file)

# %% [markdown]
# ## 估计 · The city-wide estimate
#
# 只凭抽签的检查推断全市。 From the lottery's visits alone to the whole city.

# %%
estimate_command(source, target, str(last_day - timedelta(days=364)), str(last_day))

# %% [markdown]
# ## 申诉 · An appeal
#
# 企业对一行事实提出异议；结果按新旧两种事实给出。
# A firm contests a row of facts; its case is told as it was and as it would be corrected.

# %%
contested = next(one for one in alerts if one["matches"] and one["matches"][0]["rows"])
row = contested["matches"][0]["rows"][0]
appeal_command(
    source, "week-1", row["table"], row["row_id"], week, enterprise=contested["enterprise"]
)

# %% [markdown]
# ## 说明与重放 · A notice and a replay
#
# 给企业的说明不含他人数据；审计员逐位重放同一份记录。
# The notice for the firm has nobody else's data; an auditor replays the same record to the bit.

# %%
with redirect_stdout(io.StringIO()) as told:
    batch_command(target, source, as_json=True)
record = json.loads(told.getvalue())["record_id"]
notice_command(record, unit=str(visits["enterprise"][0]))

# %%
replay_command(record, unit=str(visits["enterprise"][0]))
print("接着打开 open next:", Path("docs") / "plan.md", Path("docs") / "loop.md")
