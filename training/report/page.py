"""The page of a training: what the list finds, beside what, for whom it errs, whether to believe it, and when to stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from training.evaluation.estimate import LEAST_DRAWN
from training.evaluation.lift_trial import LiftTrial
from training.report.charts import axis_of, calibration_chart, interval_chart
from training.report.figures import Figure, amount_figure, share_figure, times_figure, unit_words
from training.report.group_section import group_sections
from training.report.reason_words import reason_words

Row = Mapping[str, Any]
WAYS = (
    ("random_visits", "只凭抽签检查", "from lottery visits alone"),
    ("inverse_propensity", "按被查机会加权的检查", "visits weighted by their chance"),
    ("labelled_only", "所有检查，不加权", "all visits, unweighted"),
)
"""The ways to tell a list's precision, from the one that flatters least to the one that flatters most."""
LOTTERY = (
    ("rate", "全体违法比例", "share of violators among all"),
    ("precision", "名单命中率", "share of violators on the list"),
    ("recall", "名单占全部违法者", "share of all violators that the list has"),
    ("number_recall", "名单占全部数量", "share of the whole number that the list has"),
)
VERDICTS = {
    "model": ("模型更好", "The model is the better choice"),
    "baseline": ("评分卡更好，不启用模型", "The scorecard is the better choice"),
    "not decided": ("未定", "Not decided"),
}
CALIBRATED_ON = {
    "lottery": ("抽签检查，即全体单位", "lottery visits, so all units"),
    "weighted": ("全部检查，按被查机会加权", "all visits, weighted by their chance"),
    "visited": ("仅限被检查者", "visited units only"),
}


@dataclass(frozen=True, slots=True)
class TrainedTarget:
    """What was trained: the names of target and source, and the unit of its number (persons, fen, "" for none)."""

    zh: str
    en: str
    source_zh: str
    source_en: str
    unit: str


def training_page(said: Row, target: TrainedTarget) -> str:
    """Return the page as HTML, from what `lssi train --json` says: no script, nothing fetched, the same bytes each time."""
    pages = Environment(
        loader=PackageLoader("training.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("training.html.j2").render(page=_page(said, target))


def _page(said: Row, target: TrainedTarget) -> dict[str, Any]:
    metrics = said["metrics"]
    return {
        "target": target,
        "facts": said,
        "verdict": _verdict(said["baselines"]["verdict"]),
        "list": _list(metrics["capacity"], target.unit),
        "unasked": _unasked(said["unasked"]),
        "baselines": list(_baselines(said["baselines"], target.unit)),
        "origins": len(said["baselines"]["origins"]),
        "calibration": _calibration(metrics),
        "groups": group_sections(said["groups"]),
        "least": said["groups"]["least"],
        "trial": LiftTrial(),
        "least_drawn": LEAST_DRAWN,
    }


def _verdict(verdict: Row) -> dict[str, Any]:
    """Return which is the better choice and why."""
    zh, en = VERDICTS[verdict["better"]]
    gain = None
    if verdict["low"] is not None:
        gain = share_figure((verdict["gain"], verdict["low"], verdict["high"]), signed=True)
    why = reason_words(verdict["why"])
    return {"zh": zh, "en": en, "why": why, "gain": gain, "origins": verdict["origins"]}


def _list(capacity: Row, unit: str) -> dict[str, Any]:
    """Return what the list finds that fills the minutes there are; the list by count where nobody knows the minutes."""
    by_minutes = capacity["by_minutes"]
    if isinstance(by_minutes, str):
        return {
            "hours": None,
            "visits": f"{capacity['listed']:,}",
            "word": reason_words(by_minutes),
            "rows": _list_rows(capacity, "", unit),
            "unlabelled": _percent(capacity["share_without_label"]),
        }
    return {
        "hours": f"{by_minutes['minutes'] / 60:,.0f}",
        "visits": f"{by_minutes['visits']:,}",
        "word": None,
        "rows": _list_rows(by_minutes, by_minutes["number_per_hour"], unit),
        "unlabelled": _percent(by_minutes["share_without_label"]),
    }


def _percent(number: float | None) -> str:
    return "-" if number is None else f"{number * 100:.0f} %"


def _list_rows(figures: Row, per_hour: Row | str, unit: str) -> list[dict[str, Any]]:
    """Return the rows of a list's figures: its precision in each way, what the lottery says, and what an hour finds."""
    rows = []
    for way, zh, en in WAYS:
        ends = figures["intervals"][way]
        value = figures[way]
        estimate = ends if isinstance(ends, str) or value is None else (value, *ends)
        if value is None and not isinstance(ends, str):
            estimate = "not estimable: no labelled case with a weight"
        rows.append(_row(f"命中率：{zh}", f"precision: {en}", estimate))
    rows += _lottery_rows(figures["lottery"])
    shown = _with_charts(rows, mark=0.0)
    if per_hour:
        zh, en = unit_words(unit)
        hourly = _row(f"每小时检查查出{zh}", f"{en} found in an hour of visits", per_hour)
        shown.append({**hourly, "figure": _amount(hourly["told"], unit), "chart": ""})
    return shown


def _lottery_rows(lottery: Row) -> list[dict[str, Any]]:
    """Return what the lottery and the model say together; one row where one reason says that they say nothing."""
    figures = [lottery[name] for name, _, _ in LOTTERY]
    if isinstance(figures[0], str) and all(each == figures[0] for each in figures):
        return [_row("抽签加模型", "lottery and model together", figures[0])]
    return [
        _row(f"抽签加模型：{zh}", f"lottery and model: {en}", lottery[name])
        for name, zh, en in LOTTERY
    ]


def _row(zh: str, en: str, told: Row | Sequence[float] | str) -> dict[str, Any]:
    """Return a row with value, low and high, or with the reason why it has none."""
    if isinstance(told, str):
        return {"zh": zh, "en": en, "told": None, "word": reason_words(told)}
    numbers = tuple(told) if isinstance(told, Sequence) else _ends(told)
    return {"zh": zh, "en": en, "told": numbers, "word": None}


def _ends(told: Row) -> tuple[float, float, float]:
    return told["value"], told["low"], told["high"]


def _amount(told: Sequence[float] | None, unit: str) -> Figure | None:
    return None if told is None else amount_figure(told, unit)


def _with_charts(rows: Iterable[dict[str, Any]], mark: float) -> list[dict[str, Any]]:
    """Return rows of shares with their texts and charts, all on one axis."""
    rows = list(rows)
    axis = axis_of([row["told"] for row in rows if row["told"]], mark)
    shown = []
    for row in rows:
        estimate = row["told"]
        figure = share_figure(estimate) if estimate else None
        chart = interval_chart(estimate, axis, mark) if estimate else Markup()
        shown.append({**row, "figure": figure, "chart": chart})
    return shown


def _unasked(unasked: Row) -> dict[str, Any]:
    """Return how often each event befell the list and all units."""
    rows = []
    for event in unasked["events"]:
        row = _row(event["zh"], event["en"], event["lift"])
        if row["told"]:
            row["on_list"] = share_figure(_ends(event["precision"]))
            row["of_all"] = share_figure(_ends(event["rate"]))
            row["figure"] = times_figure(row["told"])
        rows.append(row)
    axis = axis_of([row["told"] for row in rows if row["told"]], 1.0)
    for row in rows:
        row["chart"] = interval_chart(row["told"], axis, 1.0) if row["told"] else Markup()
    word = reason_words(unasked["word"]) if unasked["word"] else None
    return {**unasked, "word": word, "rows": rows}


def _baselines(told: Row, unit: str) -> Iterator[dict[str, Any]]:
    """Yield for each baseline what the model gains over it in precision, and in the number found by the hour."""
    rows = [_gain_row(told, baseline, unit) for baseline in told["baselines"]]
    axis = axis_of([row["told"] for row in rows if row["told"]], 0.0)
    for row in rows:
        chart = interval_chart(row["told"], axis, 0.0) if row["told"] else Markup()
        yield {**row, "chart": chart}


def _gain_row(told: Row, baseline: Row, unit: str) -> dict[str, Any]:
    gains = {row["metric"]: row for row in told["gains"] if row["baseline"] == baseline["baseline"]}
    precision = _gain(gains.get("precision_at_capacity"))
    per_hour = _gain(gains.get("number_per_hour"))
    return {
        "zh": baseline["zh"],
        "en": baseline["en"],
        "word": reason_words(baseline["word"]) if baseline["word"] else None,
        "told": precision,
        "gain": share_figure(precision, signed=True) if precision else None,
        "per_hour": amount_figure(per_hour, unit, signed=True) if per_hour else None,
    }


def _gain(row: Row | None) -> tuple[float, float, float] | None:
    """Return a gain with the ends of its interval; None where too little is known."""
    if row is None or row["low"] is None:
        return None
    return row["gain"], row["low"], row["high"]


def _calibration(metrics: Row) -> dict[str, Any]:
    """Return the chart of what was found where a probability was told, and on whom the probabilities rest."""
    zh, en = CALIBRATED_ON[metrics["population"]["basis"]]
    rows = [
        {
            "told": f"{row['told'] * 100:.1f} %",
            "found": f"{row['found'] * 100:.1f} %",
            "cases": f"{row['cases']:,}",
        }
        for row in metrics["calibration"]
    ]
    return {"zh": zh, "en": en, "chart": calibration_chart(metrics["calibration"]), "rows": rows}
