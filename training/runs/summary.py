"""What `lssi train` says to a person: a few lines of what was trained, how it did, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WAYS = (
    ("labelled_only", "仅有标签者", "labelled rows only"),
    ("inverse_propensity", "逆倾向加权", "by inverse propensity"),
    ("random_visits", "随机检查", "from random visits"),
)


def summary_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the lines, each in Chinese and English."""
    metrics = result["metrics"]
    judged = f"AUC {_with(metrics, 'auc')}   AP {_with(metrics, 'average_precision')}"
    registered = f"{result['mlflow']['model']} v{result['mlflow']['version']}, 启用 in use v{result['champion']}"
    return [
        f"{result['target']} @ {result['source']}, {result['features']} 个特征 features, as of {result['as_of']}",
        _part("训练 train", result["train"]),
        _part("测试 test", result["test"]),
        f"{judged}   基准 base {_of(metrics['base_rate'])}   Brier {_of(metrics['brier'])}",
        *_capacity(metrics["capacity"]),
        *_earlier(metrics),
        f"模型 model {result['bundle']}, 登记 registered {registered}",
    ]


def _part(name: str, part: Mapping[str, Any]) -> str:
    return f"{name}: {part['rows']:,} ({part['positives']:,} +), {part.get('from', '')} … {part.get('until', '')}"


def _of(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _with(metrics: Mapping[str, Any], name: str) -> str:
    interval = metrics["intervals"][name]
    return _of(metrics[name]) + (
        "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"
    )


def _capacity(found: Mapping[str, Any]) -> list[str]:
    told = ", ".join(f"{zh} {en} {_of(found[way])}" for way, zh, en in WAYS)
    share = found["share_without_label"]
    unseen = f"无标签 without label {'-' if share is None else format(share, '.0%')}"
    return [
        f"名单前 {found['listed']:,} 个的命中率 precision of the first {found['listed']:,}: {told}; {unseen}"
    ]


def _earlier(metrics: Mapping[str, Any]) -> list[str]:
    days = metrics.get("days_earlier")
    return (
        []
        if days is None
        else [f"重排后早 found {days:.1f} 天 days earlier by reordering the same visits"]
    )
