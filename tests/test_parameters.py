"""Parameters outside the network are declared too: once, in both languages, with a reason, and read where they decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import pytest

from features.catalogue import parameters as catalogue
from features.catalogue.parameters import PopulationParameters, population_parameters
from features.engine import population
from features.errors import CatalogueError
from features.ingest.dump import closed_day
from features.ingest.dump.closed_day import ClosingParameters, closing_parameters
from features.parameters import parameters_in
from features.text_files import declaration_text
from models.explain import evidence
from models.explain.evidence import EvidenceLimits, evidence_limits
from tests.test_house import both

TABLES = [
    (catalogue.POPULATION, "features.catalogue", PopulationParameters, population),
    (closed_day.FILE, "features.ingest.dump", ClosingParameters, closed_day),
    (evidence.FILE, "models.explain", EvidenceLimits, evidence),
]
VALUES = [
    (population_parameters, (90,)),
    (closing_parameters, (14, 100)),
    (evidence_limits, (5, 3, 12, 0.02, 3, 2, 2, 0.5)),
]


@pytest.mark.parametrize(("file", "package", "kind", "reader"), TABLES)
def test_every_parameter_is_declared_with_its_reason_and_read_by_its_module(
    file: str, package: str, kind: type[Any], reader: Any
) -> None:
    declared = parameters_in(declaration_text(file, package), kind, file)
    code = Path(reader.__file__).read_text("utf-8")
    assert list(declared) == [field.name for field in fields(kind)]
    for name, parameter in declared.items():
        assert both(parameter.zh, parameter.en) and both(parameter.reason_zh, parameter.reason_en)
        assert f".{name}" in code, name


@pytest.mark.parametrize(("read", "values"), VALUES)
def test_their_values_are_what_stood_in_the_code(
    read: Callable[[], Any], values: tuple[float, ...]
) -> None:
    assert astuple(read()) == values


@pytest.mark.parametrize(("file", "package", "kind", "reader"), TABLES)
def test_a_missing_one_is_refused_by_name(
    file: str, package: str, kind: type[Any], reader: Any
) -> None:
    first = fields(kind)[0].name
    text = declaration_text(file, package)
    without = "\n".join(line for line in text.splitlines() if not line.startswith(first))
    with pytest.raises(CatalogueError, match=f"{file} lacks {first}; add a line for each"):
        parameters_in(without, kind, file)
