"""Parameters of the network: each is declared once, rightly and with its reason, is read, and decides the stored values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from features.catalogue.document import catalogue_as_json, catalogue_page, whole_catalogue
from features.catalogue.parameters import FILE, NetworkParameters, declared_parameters
from features.catalogue.parse import declaration_text
from features.errors import CatalogueError
from features.ingest.scan import files_below
from features.network import stored
from features.network.stored import digest_of_rules
from features.parameters import MOST, DeclaredParameter, parameters_in
from tests.test_house import both

TEXT = declaration_text("parameters.txt")
NAMES = [field.name for field in fields(NetworkParameters)]
FOLDER = Path(stored.__file__).parent


def declared_with(name: str, value: str) -> str:
    """Return the declarations with another value of one parameter."""
    text, times = re.subn(rf"(?m)^{name} \| [^|]+ \|", f"{name} | {value} |", TEXT)
    assert times == 1
    return text


def network_in(text: str) -> Mapping[str, DeclaredParameter]:
    """Return the parameters of the network that a text declares."""
    return parameters_in(text, NetworkParameters, FILE)


def another(parameter: DeclaredParameter) -> str:
    """Return a value beside the declared one, as it is written."""
    return "0.5" if parameter.unit == "share" else str(parameter.value + 1)


def test_every_parameter_is_declared_in_both_languages_with_its_reason() -> None:
    parameters = declared_parameters()
    assert sorted(parameters) == sorted(NAMES)
    for parameter in parameters.values():
        assert both(parameter.zh, parameter.en), parameter.name
        assert both(parameter.reason_zh, parameter.reason_en), parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_read_by_the_network(name: str) -> None:
    modules = [path.read_text("utf-8") for path in files_below(FOLDER, "*.py")]
    assert any(re.search(rf"\.{name}\b", text) for text in modules)


@pytest.mark.parametrize("name", NAMES)
def test_another_value_is_another_rule(name: str) -> None:
    before = declared_parameters()
    after = network_in(declared_with(name, another(before[name])))
    assert digest_of_rules(after) != digest_of_rules(before)


def test_words_and_order_of_the_declarations_are_no_rule() -> None:
    turned = "\n".join(reversed(TEXT.replace("a choice", "ours").splitlines()))
    after = network_in(turned)
    assert after != declared_parameters()
    assert digest_of_rules(after) == digest_of_rules(declared_parameters())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["many", "-1", "0", "1.5", "", "1e2", "9" * 30, "1/2", "nan"])
def test_a_wrong_value_is_refused_in_one_line_by_name(name: str, value: str) -> None:
    with pytest.raises(CatalogueError, match=rf"^parameters.txt: {name} should be [^\n]+$"):
        network_in(declared_with(name, value))


def test_a_value_beyond_the_greatest_of_its_unit_is_refused() -> None:
    for name, parameter in declared_parameters().items():
        if parameter.unit in MOST:
            most = MOST[parameter.unit]
            assert network_in(declared_with(name, str(most)))[name].value == most
            with pytest.raises(CatalogueError, match=f"{name} should be .* to {most} "):
                network_in(declared_with(name, str(most + 1)))


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_a_second_and_an_unknown_parameter_are_refused_by_name(name: str) -> None:
    lines = TEXT.splitlines()
    own = next(line for line in lines if line.startswith(f"{name} |"))
    others = [line for line in lines if line != own]
    renamed = own.replace(name, f"{name}_too", 1)
    for wrong, said in (
        (others, f"^parameters.txt lacks {name}; "),
        ([*lines, own], f"parameter '{name}' is declared twice; "),
        ([*lines, renamed], f"^parameters.txt: '{name}_too' is not a parameter; "),
        ([*others, own.replace(" | days |", " | months |").replace(" | count |", " | months |")
          .replace(" | share |", " | months |")], f"^parameters.txt: {name} should be declared in "),
        ([*others, own.rpartition("|")[0] + "|"], f"^parameters.txt: {name} needs its meaning "),
    ):  # fmt: skip
        with pytest.raises(CatalogueError, match=said) as refused:
            network_in("\n".join(wrong))
        assert "\n" not in str(refused.value)


def test_the_dictionary_shows_every_parameter() -> None:
    catalogue = whole_catalogue()
    shown = {row["name"]: row["value"] for row in catalogue_as_json(catalogue)["parameters"]}
    assert shown == {name: row.value for name, row in declared_parameters().items()}
    page = catalogue_page(catalogue)
    for name, value in shown.items():
        assert f"| `{name}` | {value} |" in page
