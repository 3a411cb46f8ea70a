"""Laws of the table of baselines: it, the page and the report name the same, in both languages."""

from __future__ import annotations

import re

from tests.test_house import ROOT, both
from training.baselines.declared import baseline_table

PAGE = (ROOT / "docs" / "training.md").read_text("utf-8")
SECTION = PAGE.partition("## 基线 · Baselines")[2].partition("\n## ")[0]


def test_every_baseline_has_a_name_of_its_own_in_both_languages() -> None:
    table = baseline_table()
    names = [baseline.name for baseline in table.baseline]
    assert len(set(names)) == len(names) and table.promotion.over in names
    assert all(both(baseline.zh, baseline.en) for baseline in table.baseline)


def test_the_page_tells_every_baseline_in_the_order_of_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", SECTION, re.MULTILINE)
    assert rows == [baseline.name for baseline in baseline_table().baseline]


def test_one_that_counts_names_what_it_counts_for_every_kind_of_unit() -> None:
    for baseline in baseline_table().baseline:
        counted = [baseline.counted(entity) for entity in ("enterprise", "claim", "provider")]
        assert all(counted) if baseline.reads == "count" else not any(counted)
        assert all(f"`{name}`" in SECTION for name in counted if name)
