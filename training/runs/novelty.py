"""The novelty queue of a day as lines, as JSON or as a file; everywhere with the words that it is no score."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.calendar import day_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.files import replaced
from features.matches.write import writer_for
from features.store.store import Store
from models.explain.wording import value_words
from training.models.novelty import Novelty, Oddity, Queue, novelty_queue

NOTE = {
    "zh": "异常队列只说明与其他单位不同：不是评分，不是结论，也不计入任何评分或检查计划。",
    "en": "The novelty queue says only who is unlike the others: no score, no verdict, and part of "
    "no score and no plan.",
}
AS_MUCH = {
    "zh": "{meaning}{value}（同等规模{peers}个中仅{few}个有这么{much}）",
    "en": "{meaning} {value} (of {peers} of like size only {few} {have} as {much})",
}
MUCH = {True: {"zh": "多", "en": "much"}, False: {"zh": "少", "en": "little"}}
TOGETHER = {
    "zh": "没有单独少见的数值：不寻常的是各项数值的组合",
    "en": "no value is rare by itself: the values are unusual together",
}
SCHEMA = pa.schema(
    {
        "place": pa.int64(),
        "unit": pa.string(),
        "unusual": pa.float64(),
        "zh": pa.string(),
        "en": pa.string(),
    }
)


def queue_of(store: Store, entity: str, as_of: str, *, top: int, seed: int) -> Queue:
    """Return the most unusual units that live on a day; errors as those of the matrix and of the queue."""
    engine = engine_of(store)
    features = matrix(engine, entity, day_of(as_of))
    return novelty_queue(features, engine.catalogue, top=top, seed=seed)


def queue_as_json(queue: Queue) -> dict[str, Any]:
    """Return a queue as plain values, with the words that it is no score."""
    return {
        "note": NOTE,
        "units": queue.units,
        "features": queue.features,
        "seed": queue.seed,
        "queue": [_as_json(line) for line in queue.lines],
    }


def _as_json(line: Novelty) -> dict[str, Any]:
    return {
        "place": line.place,
        "unit": line.unit,
        "unusual": line.unusual,
        "features": [odd.feature.name for odd in line.oddities],
        "zh": why(line, "zh"),
        "en": why(line, "en"),
    }


def why(line: Novelty, language: str) -> str:
    """Return in one language what is unusual about a unit."""
    if not line.oddities:
        return TOGETHER[language]
    joined = "；" if language == "zh" else "; "
    return joined.join(_told(odd, language) for odd in line.oddities)


def _told(odd: Oddity, language: str) -> str:
    feature = odd.feature
    return AS_MUCH[language].format(
        meaning=feature.zh if language == "zh" else feature.en,
        value=value_words(odd.value, feature.unit, language),
        peers=odd.peers,
        few=odd.units,
        have="has" if odd.units == 1 else "have",
        much=MUCH[odd.is_high][language],
    )


def queue_lines(queue: Queue) -> Iterator[str]:
    """Yield a line for each unit, then what was compared, then that the queue is no score."""
    for line in queue.lines:
        yield f"{line.place} | {line.unit} | {why(line, 'zh')} | {why(line, 'en')}"
    yield f"{queue.units} 个单位，{queue.features} 项特征 units compared by {queue.features} features"
    yield f"{NOTE['zh']} {NOTE['en']}"


def write_queue(queue: Queue, path: Path) -> int:
    """Write a queue to a .parquet or .csv file and return its units; RequestError for another ending."""
    rows = [{name: row[name] for name in SCHEMA.names} for row in queue_as_json(queue)["queue"]]
    writer_of_form = writer_for(path)
    with replaced(path) as unfinished, writer_of_form(unfinished, SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
    return len(rows)
