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
# # 重新训练并评价一个模型 · Retrain a model and judge it
#
# 打开一段历史，训练一个目标，评价它，说明它，并查看 MLflow 的登记。
# This notebook opens a history, trains a target, judges the model, explains it and opens the registry.
#
# `LSSI_SOURCE` 是数据源文件夹，`LSSI_TARGET` 是目标，`LSSI_HOME` 是结果所在。
# `LSSI_SOURCE` names the folder of the source, `LSSI_TARGET` the target, `LSSI_HOME` the place of what is made.

# %%
import os
from pathlib import Path

import altair as alt
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import shap

from features.calendar import date_of
from features.home import home
from features.store.opening import open_own_store
from models.bundle.bundle import load_bundle
from models.bundle.champions import ModelKey
from models.bundle.score import score
from models.explain.explain import explain
from models.explain.oracle import drawable, oracle_contributions
from training.data.dataset import dataset
from training.data.recipe import recipe_of
from training.models.promote import version_in_use
from training.models.registry import runs, tracking_uri
from training.runs.train import train

source = Path(os.environ.get("LSSI_SOURCE", "city"))
target = os.environ.get("LSSI_TARGET", "undeclared_workers")

# %% [markdown]
# ## 历史 · The history
#
# 每张表：接受与拒收的行数。 Rows accepted and refused, by table.

# %%
store = open_own_store(source)
print(store.source.zh, "·", store.source.en, "·", "截至 complete to", date_of(store.complete_to))
pd.DataFrame(store.summary["tables"]).T.query("accepted > 0").sort_values(
    "accepted", ascending=False
)

# %% [markdown]
# ## 样本 · The cases
#
# 没有检查就没有标签，绝不当作 0。 Whoever was not looked at has no label, never 0.

# %%
whole = dataset(store, target, seed=recipe_of().seed)
cases = pd.DataFrame(
    {
        "part": np.array(["-", "train", "test"])[whole.cases.part],
        "month": pd.to_datetime(whole.cases.day, unit="D").to_period("M").astype(str),
        "label": whole.cases.label,
    }
)
cases.groupby("part")["label"].agg(cases="size", labelled="count", positives="sum", rate="mean")

# %%
by_month = (
    cases.dropna()
    .groupby(["month", "part"], as_index=False)
    .agg(rate=("label", "mean"), cases=("label", "size"))
)
alt.Chart(by_month).mark_line(point=True).encode(
    x="month:O",
    y=alt.Y("rate:Q", title="positives / labelled"),
    color="part:N",
    tooltip=["month", "cases", "rate"],
).properties(width=620, height=180)

# %% [markdown]
# ## 训练 · Training
#
# 与 `lssi train` 相同：模型写成文件夹，登记到 MLflow，但不启用。要改训练选择，写入 `source.toml` 的 `[target.名称.fit]`。
# The same as `lssi train`: a bundle, registered but not promoted. To change a choice, write it under `[target.NAME.fit]`.

# %%
told = train(store, target, home=home())
metrics = told["metrics"]
pd.DataFrame(
    [
        {"metric": name, "value": metrics[name], "interval": metrics["intervals"].get(name)}
        for name in (
            "auc",
            "average_precision",
            "brier",
            "brier_of_base_rate",
            "base_rate",
            "days_earlier",
        )
        if name in metrics
    ]
)

# %% [markdown]
# ### 名单的命中率 · Precision of the list that capacity allows
#
# 只看有标签者会误导，因此还给出逆倾向加权与随机检查两种估计。
# Labelled rows alone mislead; inverse propensity and random visits stand beside them.

# %%
pd.Series(metrics["capacity"], name="value").to_frame()

# %% [markdown]
# ### 校准 · Calibration
#
# 概率应与查出的比例一致（虚线）。 The probability told should be the share found (dashed).

# %%
calibration = pd.DataFrame(metrics["calibration"])
top = float(calibration[["told", "found"]].to_numpy().max())
line = (
    alt.Chart(pd.DataFrame({"told": [0, top], "found": [0, top]}))
    .mark_line(strokeDash=[4, 4])
    .encode(x="told", y="found")
)
line + alt.Chart(calibration).mark_point(filled=True).encode(
    x="told:Q", y="found:Q", size="cases:Q"
)

# %% [markdown]
# ## 说明 · Explanation
#
# 贡献相加等于原始分数；`shap` 库是对照。 Contributions add up to the raw score; the shap library is the check.

# %%
bundle = load_bundle(home() / "bundles" / told["bundle"])
tested = whole.matrix.take(whole.tested())
shown = tested.take(np.arange(min(300, len(tested))))
explanation = explain(bundle, shown)
print(
    "最大差 largest difference from shap:",
    np.abs(explanation.contributions - oracle_contributions(bundle, shown)).max(),
)
print(
    "相加之差 from the raw score:",
    np.abs(
        explanation.base + explanation.contributions.sum(axis=1) - score(bundle, shown).raw
    ).max(),
)

# %%
strength = np.abs(explanation.contributions).mean(axis=0)
pd.DataFrame(
    [
        {
            "feature": feature.name,
            "中文": feature.zh,
            "English": feature.en,
            "mean |log-odds|": value,
        }
        for feature, value in zip(bundle.features, strength, strict=True)
    ]
).nlargest(15, "mean |log-odds|")

# %%
shap.plots.beeswarm(drawable(bundle, shown, explanation), max_display=15, show=False)
plt.tight_layout()

# %% [markdown]
# ## 登记 · The registry
#
# 每次训练一行。由人启用：`lssi promote 目标 版本`。 One row a run of this source.
# A person promotes: `lssi promote TARGET VERSION --source NAME`.

# %%
key = ModelKey(store.source.name, target)
print("mlflow ui --backend-store-uri", tracking_uri(home()))
print("启用版本 version in use:", version_in_use(home(), key))
pd.DataFrame(runs(home(), key))[
    ["version", "source", "auc", "average_precision", "brier", "rounds", "leaves", "fingerprint"]
]
