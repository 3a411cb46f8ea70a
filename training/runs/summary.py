"""What `lssi train` says to a person: a few lines of what was trained, how it did, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.catalogue.roles import WITHOUT_BASIS
from training.data.bystanders import LOOKED_AT
from training.data.set_aside import set_aside_lines
from training.report.baseline_lines import baseline_lines, card_lines
from training.report.unasked_lines import unasked_lines
from training.runs.group_lines import beside_lines, group_lines
from training.runs.proxies import proxy_lines

WAYS = (
    ("labelled_only", "仅有标签者", "labelled rows only"),
    ("inverse_propensity", "逆倾向加权", "by inverse propensity"),
    ("random_visits", "随机检查", "from random visits"),
)
TEACHES = {
    "plain": ("不加权", "unweighted"),
    "weighted": ("逆倾向加权", "weighted by inverse propensity"),
    "unlabelled": ("未检查者也教", "bystanders teach too"),
}
"""By way to teach: its name in both languages."""
CALIBRATED_ON = {
    "lottery": ("抽签检查", "lottery visits"),
    "weighted": ("全部检查，逆倾向加权", "all visits, by inverse propensity"),
    "visited": ("仅限被检查者", "visited firms only"),
}
MOVED = {
    "visited": ("按被检查者", "as for those looked at"),
    "shifted": ("平移", "shifted"),
    "tilted": ("平移并改斜率", "shifted and tilted"),
    "base_rate": ("基准率", "base rate"),
    "raw": ("原分", "raw score"),
}
"""By move of the calibration: its name in both languages."""
LOTTERY_FIGURES = (
    ("rate", "总体违法率", "rate of all"),
    ("precision", "名单命中率", "precision"),
    ("recall", "名单占违法者", "recall"),
    ("lift", "提升倍数", "lift"),
    ("number_on_list", "名单上的数量", "number on the list"),
    ("number_recall", "占全部数量", "share of the whole number"),
)


SELECTION = (
    "被检查者 looked at: {labelled:,}，加权后相当于 by weight worth {effective:,.0f}；{way_zh} {way_en}",
    "未见样本的加权损失 weighted loss on unseen cases: {losses}",
)
DIRECTIONS = (
    "声明的方向 declared directions {answer}; 未见样本损失 loss on unseen cases: 有 with {loss_with:.4f}, "
    "无 without {loss_without:.4f}"
)


def summary_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the lines, each in Chinese and English."""
    metrics = result["metrics"]
    return [
        _headline(result),
        _part_line("训练 train", result["train"]),
        _part_line("测试 test", result["test"]),
        *groups_judged_lines(result["judged"]),
        *later_day_lines(result),
        *set_aside_lines(result["target"], result["set_aside"]),
        _judged_line(metrics),
        _capacity_line(metrics["capacity"]),
        _lottery_line(metrics["capacity"]["lottery"]),
        *_minutes_lines(metrics["capacity"]["by_minutes"]),
        *unasked_lines(result["unasked"]),
        *_reordering_lines(metrics),
        *_number_lines(metrics["expected"]),
        *without_basis_lines(result["attributes_left_out"]),
        *proxy_lines(result["proxies"]),
        *_direction_lines(metrics["directions"]),
        *_selection_lines(metrics["selection"]),
        *_population_lines(result["label"], metrics["population"]),
        *baseline_lines(result["baselines"], result["not_promoted"]),
        *card_lines(result["scorecard"]),
        *group_lines(result["groups"]),
        *beside_lines(result),
        _registration_line(result),
    ]


def _headline(result: Mapping[str, Any]) -> str:
    name = f"{result['target']} @ {result['source']}"
    count = result["features"]
    day = result["as_of"]
    return f"{name}, {count} 个特征 features, as of {day}"


def _part_line(name: str, part: Mapping[str, Any]) -> str:
    size = f"{part['rows']:,}"
    positives = f"{part['positives']:,}"
    # a part without rows has no days
    first_day = part.get("from", "")
    last_day = part.get("until", "")
    return f"{name}: {size} ({positives} +), {first_day} … {last_day}"


def groups_judged_lines(judged: Mapping[str, Any]) -> list[str]:
    """Return that a model was judged without any order of time, where it was, and why."""
    if judged["by"] == "time":
        return []
    folds = judged["folds"]
    line = (
        f"时间先后未知，按单位分 {folds} 组评价，不说明对将来如何 the order of time is not known: judged by {folds} "
        "groups of units, which does not show how it does on the future"
    )
    return [f"{line}: {judged['because']}" if judged["because"] else line]


def later_day_lines(result: Mapping[str, Any]) -> list[str]:
    """Return that the certificate is of a later day than the last that trained, where most tables begin after that one."""
    certified_day = result["certified"]["as_of"]
    if certified_day == result["as_of"]:
        return []
    zh = "多数表在训练之后才有数据，证书取其后一日"
    en = "most tables begin after the last day that trained; the certificate is as of"
    return [f"{zh} {en} {certified_day}"]


def _judged_line(metrics: Mapping[str, Any]) -> str:
    auc = _with_interval(metrics, "auc")
    precision = _with_interval(metrics, "average_precision")
    base = _number(metrics["base_rate"])
    brier = _number(metrics["brier"])
    return f"AUC {auc}   AP {precision}   基准 base {base}   Brier {brier}"


def _capacity_line(capacity: Mapping[str, Any]) -> str:
    """Return the precision of the list that the capacity allows, once for each way to estimate it."""
    estimates = _by_ways(capacity)
    listed = f"{capacity['listed']:,}"
    head = f"名单前 {listed} 个的命中率 precision of the first {listed}"
    share = capacity["share_without_label"]
    unlabelled = "-" if share is None else f"{share:.0%}"
    return f"{head}: {estimates}; 无标签 without label {unlabelled}"


def _by_ways(figures: Mapping[str, Any]) -> str:
    """Return the precision of a list in each way to estimate it."""
    estimates = []
    for way, zh, en in WAYS:
        precision = _limited(figures[way], figures["intervals"][way])
        estimates.append(f"{zh} {en} {precision}")
    return ", ".join(estimates)


def _minutes_lines(by_minutes: Mapping[str, Any] | str) -> list[str]:
    """Return what a list finds that fills the minutes there are as a plan does; nothing where nobody knows the minutes."""
    if isinstance(by_minutes, str):
        return []
    hours = f"{by_minutes['minutes'] / 60:,.0f}"
    visits = f"{by_minutes['visits']:,}"
    head = f"按计划填满 {hours} 小时 in {hours} hours as a plan fills them: {visits} 次检查 visits"
    per_hour = by_minutes["number_per_hour"]
    found_words = (
        "" if isinstance(per_hour, str) else f"; 每小时查出 found an hour {_estimate(per_hour)}"
    )
    return [f"{head}, {_by_ways(by_minutes)}{found_words}", _lottery_line(by_minutes["lottery"])]


def _estimate(told: Mapping[str, float]) -> str:
    """Return an estimate with its interval."""
    return _limited(told["value"], [told["low"], told["high"]])


def _lottery_line(lottery: Mapping[str, Any]) -> str:
    """Return what the lottery and the model say of the list, and why they say nothing of the rest."""
    parts = []
    for name, zh, en in LOTTERY_FIGURES:
        figure = lottery[name]
        if not isinstance(figure, str):
            parts.append(f"{zh} {en} {_estimate(figure)}")
    words = {figure for figure in lottery.values() if isinstance(figure, str)}
    joined = ", ".join([*parts, *sorted(words)])
    return f"抽签加模型 by lottery and model: {joined}"


def _reordering_lines(metrics: Mapping[str, Any]) -> list[str]:
    days = metrics.get("days_earlier")
    if days is None:
        return []
    return [f"重排后早 found {days:.1f} 天 days earlier by reordering the same visits"]


def _number_lines(expected: Mapping[str, Any] | None) -> list[str]:
    """Return what was told and found in total with the chance of it, and the share of cases inside their interval."""
    if expected is None or not expected["found"]:
        return []
    ratio = f"{expected['told'] / expected['found']:.2f}"
    if expected["interval"] is not None:
        low, high = expected["interval"]
        ratio += f" [{low:.2f}, {high:.2f}]"
    line = f"数量 number: 预计/查出 told / found {ratio}"
    if expected["inside"] is None:
        return [line]
    return [f"{line}; 在区间内 inside their interval {expected['inside']:.0%}"]


def without_basis_lines(reasons: Mapping[str, str]) -> list[str]:
    """Return which attributes taught nothing, since nobody stated by which law, and where to read what to do."""
    places = [place for place, reason in reasons.items() if reason == WITHOUT_BASIS]
    if not places:
        return []
    named = ", ".join(places)
    return [
        f"未声明依据，未作特征 no basis stated, so no feature: {named}；见 see `lssi check`",
    ]


def _direction_lines(directions: Mapping[str, Any] | None) -> list[str]:
    """Return whether the declared directions bind the model, with the losses that decided it; nothing where none are declared."""
    if directions is None:
        return []
    line = DIRECTIONS.format(
        answer="采用 kept" if directions["bind"] else "不采用 dropped",
        loss_with=directions["loss_with"],
        loss_without=directions["loss_without"],
    )
    return [line]


def _selection_lines(selection: Mapping[str, Any] | None) -> list[str]:
    """Return how the cases that were chosen teach, with the losses that decided it; nothing where nobody was passed over."""
    if selection is None:
        return []
    way_zh, way_en = TEACHES[selection["way"]]
    words = {
        "labelled": selection["labelled"],
        "effective": selection["effective"],
        "way_zh": way_zh,
        "way_en": way_en,
        "losses": _losses(selection["losses"], TEACHES),
    }
    return [line.format_map(words) for line in SELECTION]


def _population_lines(label: str, population: Mapping[str, Any]) -> list[str]:
    """Return what the probabilities are calibrated on, where somebody chose whom to look at."""
    if label not in LOOKED_AT:
        return []
    zh, en = CALIBRATED_ON[population["basis"]]
    cases = f"{population['cases']:,.0f}"
    losses = _losses(population["losses"], MOVED)
    return [
        f"概率校准于 probabilities calibrated on: {zh} {en} ({cases}){losses and '; ' + losses}"
    ]


def _losses(losses: Mapping[str, float], names: Mapping[str, tuple[str, str]]) -> str:
    """Return each loss with its name."""
    parts = []
    for name, loss in losses.items():
        zh, en = names[name]
        parts.append(f"{zh} {en} {loss:.4f}")
    return ", ".join(parts)


def _registration_line(result: Mapping[str, Any]) -> str:
    registered = result["mlflow"]
    model = registered["model"]
    version = registered["version"]
    champion = result["champion"] or "-"
    bundle = result["bundle"]
    return f"模型 model {bundle}, 登记 registered {model} v{version}, 启用 in use v{champion}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _with_interval(metrics: Mapping[str, Any], name: str) -> str:
    return _limited(metrics[name], metrics["intervals"][name])


def _limited(value: float | None, interval: list[float] | str | None) -> str:
    """Return a value with its interval, alone where it has none or a word in its place."""
    if interval is None or isinstance(interval, str):
        return _number(value)
    low, high = interval
    return f"{_number(value)} [{low:.3f}, {high:.3f}]"
