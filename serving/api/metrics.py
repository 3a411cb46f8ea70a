"""Metrics of our own beside those of the framework: the models, the day's age, the ledger's size and its writer's lag."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from features.calendar import date_of
from serving.scoring.scorer import Scorer

MEANINGS = {
    "lssi_model_info": "在用模型 models in use, 1 each",
    "lssi_generation_info": "在用版次 the generation in use, 1",
    "lssi_ranked_units": "当日排名的单位数 units that are ranked on the day",
    "lssi_day_age_seconds": "距最近一个已结日的秒数 seconds since the last closed day, in whole days",
    "lssi_batches_waiting": "未完成的批量任务数 batch jobs that have not ended",
    "lssi_ledger_records": "账本的记录数 records in the ledger",
    "lssi_ledger_ready": "此刻能否记录 1 where a record can be made durable now, else 0",
    "lssi_ledger_writer_lag_seconds": "写入者答复一次询问的秒数 seconds that the writer takes to answer a probe",
}
Sample = tuple[str, Mapping[str, str], float]
"""A metric's name, its labels and its value."""


def model_samples(scorer: Scorer, today: date) -> list[Sample]:
    """Return what is to be said of the models and of the day that they look from."""
    samples: list[Sample] = []
    for target, bundle in scorer.bundles.items():
        digest = bundle.digest[:12]
        labels = {"target": target, "digest": digest, "trained_as_of": bundle.manifest.as_of}
        samples.append(("lssi_model_info", labels, 1))
        samples.append(("lssi_ranked_units", {"target": target}, len(scorer.ranks[target])))
    if scorer.generation is not None:
        samples.append(("lssi_generation_info", {"generation": scorer.generation}, 1))
    age = today - date_of(scorer.day)
    samples.append(("lssi_day_age_seconds", {}, age.total_seconds()))
    return samples


def ledger_samples(size: int, *, trouble: str, lag: float) -> list[Sample]:
    """Return what is to be said of the ledger."""
    return [
        ("lssi_ledger_records", {}, size),
        ("lssi_ledger_ready", {}, 0 if trouble else 1),
        ("lssi_ledger_writer_lag_seconds", {}, lag),
    ]


def metrics_text(samples: list[Sample]) -> str:
    """Return samples as Prometheus reads them, each metric with its meaning.

    >>> print(metrics_text([("lssi_ledger_records", {}, 2)]).splitlines()[-1])
    lssi_ledger_records 2
    """
    lines: list[str] = []
    for name, meaning in MEANINGS.items():
        of_name = [_line(sample) for sample in samples if sample[0] == name]
        if of_name:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", *of_name]
    return "\n".join(lines) + "\n"


def _line(sample: Sample) -> str:
    name, labels, value = sample
    label_texts = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{label_texts}}} {value}" if label_texts else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
