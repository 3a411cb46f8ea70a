"""Reads the catalogue's text files, adds a source's declared attributes, and leaves out what absent tables would need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from features.catalogue.attributes import (
    DeclaredAttribute,
    attribute_parts,
    register_measures,
    with_register,
)
from features.catalogue.dependencies import closure, ordered, stored_behind
from features.catalogue.model import (
    ENTITIES,
    STORED_BY,
    Catalogue,
    Feature,
    Measure,
    StoredValue,
    Window,
)
from features.catalogue.roles import check_unread, left_out_features, unread_attributes
from features.catalogue.syntax import parse_formula, parse_row
from features.errors import CatalogueError
from features.text_files import declaration_lines, declaration_text, once, text_of

DIRECTIONS = ("up", "down", "none")


def windows_of(text: str) -> dict[str, Window]:
    """Return the windows of a declaration text by name."""
    rows = (
        Window(name, unit, int(first), int(last), zh, en)
        for name, unit, first, last, zh, en in declaration_lines(text, 6, "windows.txt")
    )
    return once(rows, lambda window: window.name, "window")


def measures_of(text: str, where: str = "measures.txt") -> dict[str, Measure]:
    """Return the measures of a declaration text by name."""
    rows: list[Measure] = []
    for name, table, by, when, passes, value, unit, zh, en in declaration_lines(text, 9, where):
        rows.append(
            Measure(
                name=name,
                table=table,
                by=by,
                when=when,
                filter=parse_row(passes, name) if passes else None,
                value=parse_row(value, name),
                unit=unit,
                zh=zh,
                en=en,
            )
        )
    return once(rows, lambda measure: measure.name, "measure")


def features_of(text: str, entity: str, windows: dict[str, Window], where: str) -> list[Feature]:
    """Return the features of a declaration text, a line with `{w}` once for each of its windows."""
    features: list[Feature] = []
    for name, formula, unit, direction, family, zh, en, over in declaration_lines(text, 8, where):
        if direction not in DIRECTIONS:
            raise CatalogueError(
                f"{where}: {name}: direction should be one of {', '.join(DIRECTIONS)}; got {direction!r}"
            )
        # A line without windows declares one feature, over no window.
        for window in over.split() or [""]:
            if window and window not in windows:
                raise CatalogueError(
                    f"{where}: {name}: window {window!r} is not declared in windows.txt"
                )
            declared = windows.get(window)
            expression = formula.replace("{w}", window)
            features.append(
                Feature(
                    name=name.replace("{w}", window),
                    entity=entity,
                    expression=expression,
                    unit=unit,
                    direction=direction,
                    family=family,
                    zh=zh.replace("{w}", declared.zh) if declared else zh,
                    en=en.replace("{w}", declared.en) if declared else en,
                    category=unit == "category",
                    tree=with_register(parse_formula(expression, name), entity),
                )
            )
    return features


# A process may open many stores, and the formulas of the package's files are half the work of reading a catalogue.
@lru_cache(len(ENTITIES))
def declared_features(text: str, entity: str, windows_text: str) -> tuple[Feature, ...]:
    """Return the features of an entity's file over the windows of a declaration text; parsed once for a text."""
    return tuple(features_of(text, entity, windows_of(windows_text), f"{entity}.txt"))


def declared_stored(text: str) -> dict[str, StoredValue]:
    """Return the stored values of a declaration text by name."""
    rows = [
        StoredValue(name, of, unit, zh, en, tuple(tables.split(", ")))
        for name, of, unit, zh, en, tables in declaration_lines(text, 6, "stored.txt")
    ]
    for row in rows:
        if row.of not in STORED_BY:
            raise CatalogueError(
                f"stored.txt: {row.name}: kept by should be one of {', '.join(STORED_BY)}; got {row.of!r}"
            )
    return once(rows, lambda stored: stored.name, "stored value")


def reason_sentences(text: str, windows: dict[str, Window]) -> dict[str, tuple[str, str]]:
    """Return the sentences (zh, en) of a declaration text by feature, a line with `{w}` once for each window.

    The line of one feature wins over that of all windows.
    """
    sentences: dict[str, tuple[str, str]] = {}
    of_windows: dict[str, tuple[str, str]] = {}
    for name, zh, en in declaration_lines(text, 3, "reasons.txt"):
        if "{w}" not in name:
            sentences[name] = (zh, en)
            continue
        for window in windows.values():
            words = (zh.replace("{w}", window.zh), en.replace("{w}", window.en))
            of_windows[name.replace("{w}", window.name)] = words
    return of_windows | sentences


def declared_checks(text: str) -> dict[str, tuple[str, str]]:
    """Return what to check on site (zh, en), by feature and by `family NAME`."""
    return {name: (zh, en) for name, zh, en in declaration_lines(text, 3, "checks.txt")}


def read_catalogue(
    has: Callable[[str], bool],
    attributes: Iterable[DeclaredAttribute] = (),
    extra: Path | None = None,
) -> Catalogue:
    """Return the catalogue for a history: `has` tells which tables it holds, `extra` is a declared file of more features.

    Features whose tables are absent are left out by name, with the table as the reason, and so are attributes that are
    protected or have no legal basis. CatalogueError where a declaration reads one of these.
    """
    attributes = tuple(attributes)
    windows_text = declaration_text("windows.txt")
    windows = windows_of(windows_text)
    measures = measures_of(declaration_text("measures.txt"))
    measures |= {measure.name: measure for measure in register_measures()}
    attribute_measures, attribute_features = attribute_parts(attributes)
    features: list[Feature] = []
    for entity in ENTITIES:
        features += declared_features(declaration_text(f"{entity}.txt"), entity, windows_text)
    if extra is not None:
        features += extra_features(extra, windows, measures)
    for measure in attribute_measures:
        if measure.name in measures:
            raise CatalogueError(
                f"attribute {measure.name!r} has the name of a contract column; choose another"
            )
        measures[measure.name] = measure
    unread = unread_attributes(attributes)
    check_unread(measures.values(), features, unread)
    reasons = reason_sentences(declaration_text("reasons.txt"), windows)
    checks = declared_checks(declaration_text("checks.txt"))
    declared = once(features + attribute_features, lambda feature: feature.name, "feature")
    stored = declared_stored(declaration_text("stored.txt"))
    catalogue = Catalogue(windows, measures, declared, stored=stored, unread=unread)
    return _available(catalogue, has, Sentences(reasons, checks))


def extra_features(
    path: Path, windows: dict[str, Window], measures: dict[str, Measure]
) -> list[Feature]:
    """Return the features of a file outside the package; its lines `measure | ...` declare measures, `ENTITY | ...` features."""
    features: list[Feature] = []
    for number, line in enumerate(_lines_in(path)):
        first, _, fields = line.partition("|")
        kind = first.strip()
        # Blank lines before it give the line its own number in an error.
        declaration = "\n" * number + fields
        if kind == "measure":
            for name, measure in measures_of(declaration, path.name).items():
                if name in measures:
                    raise CatalogueError(
                        f"{path.name}: measure {name!r} is declared twice; keep one"
                    )
                measures[name] = measure
        elif kind in ENTITIES:
            features += features_of(declaration, kind, windows, path.name)
        elif line.strip() and not line.startswith("#"):
            raise CatalogueError(
                f"{path.name}: a line should begin with measure, {', '.join(ENTITIES)}; got {line[:40]!r}"
            )
    return features


def _lines_in(path: Path) -> list[str]:
    return text_of(path, CatalogueError).splitlines()


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is said with features, in zh and en: their reasons by name, their checks by name and by `family NAME`."""

    reasons: dict[str, tuple[str, str]]
    checks: dict[str, tuple[str, str]]

    def said_with(self, feature: Feature, tables: tuple[str, ...]) -> Feature:
        """Return a feature with its tables and what is said with it."""
        reason_zh, reason_en = self.reasons.get(feature.name, ("", ""))
        of_family = self.checks.get(f"family {feature.family}", ("", ""))
        check_zh, check_en = self.checks.get(feature.name, of_family)
        return replace(
            feature,
            reason_zh=reason_zh,
            reason_en=reason_en,
            check_zh=check_zh,
            check_en=check_en,
            tables=tables,
        )


def _available(catalogue: Catalogue, has: Callable[[str], bool], sentences: Sentences) -> Catalogue:
    """Return a catalogue without the features whose tables are absent, the others with what is said with them."""
    computable: dict[str, Feature] = {}
    left_out = left_out_features(catalogue.unread)
    for entity in ENTITIES:
        features_of_entity = {feature.name: feature for feature in catalogue.features(entity)}
        for feature in ordered(features_of_entity):
            tables = _tables_behind(catalogue, feature)
            missing = [table for table in tables if not has(table)]
            if missing:
                left_out[feature.name] = ", ".join(missing)
                continue
            computable[feature.name] = sentences.said_with(feature, tables)
    return replace(catalogue, declared=computable, left_out=left_out)


def _tables_behind(catalogue: Catalogue, feature: Feature) -> tuple[str, ...]:
    """Return the tables that a feature rests on, directly or through stored values, sorted by name."""
    atoms, _ = closure(catalogue, feature)
    tables = {catalogue.measure(atom.measure).table for atom in atoms}
    for name in stored_behind(catalogue, feature):
        tables |= set(catalogue.stored_value(name).tables)
    return tuple(sorted(tables))
