"""The notice of a recorded score for the firm or person concerned: plain words in zh or en, and nothing of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from features.calendar import day_of
from features.catalogue.document import families, whole_catalogue
from features.catalogue.joins import left_of
from features.catalogue.model import Catalogue
from features.catalogue.others import tells_of_others
from features.contract.tables import contract
from features.errors import RequestError
from features.matrix import Matrix
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature
from models.explain.leads import Lead, leads
from models.explain.sentence import PLACE, statement
from models.explain.wording import day_words, table_words
from serving.ledger.reasons import fact_of
from serving.ledger.record import Case, Record, record_matrix
from serving.replay.dossier import Dossier, dossier
from serving.replay.notice_words import ENTITY, TARGETS, WORDS
from serving.replay.provenance import retold_row

REASONS = 5
"""Things at most that a notice tells of each kind; a choice, as many as an answer has reasons."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a notice: its title, its paragraphs, and the points that follow them."""

    title: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What one firm or person is told of one score, in one language."""

    language: str
    title: str
    sections: tuple[Section, ...]


def notices_of(
    home: Path, record_id: str, unit: str | None, languages: Sequence[str]
) -> list[Notice]:
    """Return the notice of one unit of a record in each language; an error in one line where it cannot be given."""
    evidence = dossier(home, record_id, unit)
    case = _only_case(evidence, record_id)
    bundle = evidence.bundle()
    if evidence.rows:
        case = retold_row(evidence.record, case, bundle, evidence.store())
    telling = Telling(bundle, evidence.record, case, whole_catalogue())
    return [telling.notice(record_id, language) for language in languages]


def _only_case(evidence: Dossier, record_id: str) -> Case:
    """Return the one case that a notice is about; RequestError where a record has several and none is named."""
    if len(evidence.cases) == 1:
        return evidence.cases[0]
    count = len(evidence.cases) or (evidence.record.rows.count if evidence.record.rows else 0)
    raise RequestError(
        f"record '{record_id}' holds {count} units, a notice is for one of them; name it with --unit"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """One recorded case with the model that scored it, and the catalogue that says what tells of others."""

    bundle: Bundle
    record: Record
    case: Case
    catalogue: Catalogue

    def notice(self, record_id: str, language: str) -> Notice:
        """Return the notice in one language."""
        words = WORDS[language]
        about = (self._about(language), words["identity"].format(record=record_id))
        correction = tuple(point.format(record=record_id) for point in words["correction_points"])
        sections = (
            Section(words["about"], about),
            Section(words["role"], (words["role_text"], self._place(language))),
            Section(words["data"], (self._day(language),), self._tables(language)),
            Section(words["raised"], (words["raised_text"],), self._told(language, raising=True)),
            Section(words["lowered"], (), self._told(language, raising=False)),
            Section(words["correction"], (words["correction_text"],), correction),
        )
        shown = tuple(section for section in sections if section.paragraphs or section.points)
        return Notice(language, words["title"], shown)

    def _about(self, language: str) -> str:
        words = WORDS[language]
        entity = ENTITY[self.record.entity][language]
        # a target of a source of its own has no plain words here
        target = TARGETS.get(self.record.target, {}).get(language, self.record.target)
        return words["about_text"].format(entity=entity, key=self.case.key, target=target)

    def _place(self, language: str) -> str:
        words = WORDS[language]
        percent = f"{100 * self.case.probability:.0f}%"
        if self.case.rank is None or self.case.of is None:
            return words["score"].format(percent=percent)
        return words["rank"].format(
            percent=percent, rank=f"{self.case.rank:,}", of=f"{self.case.of:,}"
        )

    def _day(self, language: str) -> str:
        trained = day_words(day_of(self.bundle.manifest.as_of[:10]), language)
        as_of = day_words(self.record.as_of, language)
        return WORDS[language]["data_text"].format(as_of=as_of, trained=trained)

    def _tables(self, language: str) -> tuple[str, ...]:
        """Return the tables that the model looks at, in words."""
        tables = {left_of(table) for feature in self.bundle.features for table in feature.tables}
        contract_tables = sorted(table for table in tables if table in contract())
        return tuple(dict.fromkeys(table_words(table, language) for table in contract_tables))

    def _told(self, language: str, *, raising: bool) -> tuple[str, ...]:
        """Return what raised or lowered the score: the recorded reasons first, else the strongest of what moved it."""
        if not len(self.case.contributions):
            return ()
        reason_features = [str(reason["feature"]) for reason in self.case.reasons]
        ordered = leads(self.bundle, self.case.contributions)
        moving = [lead for lead in ordered if (lead.contribution > 0) == raising]
        if not raising:
            moving.reverse()
        elif reason_features:
            moving = [lead for lead in moving if not set(reason_features).isdisjoint(lead.members)]
        points = [self._point(lead, reason_features, language) for lead in moving[:REASONS]]
        return tuple(dict.fromkeys(points))

    def _point(self, lead: Lead, told: Sequence[str], language: str) -> str:
        """Return one thing in words: the unit's own numbers, or of others no more than what it is about."""
        in_words = [name for name in lead.members if name in told]
        name, *_ = [*in_words, *lead.members]
        features = {feature.name: feature for feature in self.bundle.features}
        feature = features[name]
        if self._concerns_others(feature):
            family = families().get(feature.family)
            about = WORDS[language]["other_matters"] if family is None else ""
            if family is not None:
                about = family.zh if language == "zh" else family.en
            return WORDS[language]["withheld"].format(about=about)
        facts = tuple(fact_of(plain) for plain in self.case.facts.get(name, ()))
        return statement(feature, features, self._row(), facts, language)

    def _row(self) -> Matrix:
        return record_matrix(self.record, self.case)

    def _concerns_others(self, feature: FrozenFeature) -> bool:
        """Tell whether the words of a feature could say something of others: one that nobody knows any more could."""
        named = {place[1] for place in PLACE.finditer(feature.reason_zh + feature.reason_en)}
        of_features = named & set(self.bundle.manifest.names)
        for name in {feature.name, *of_features}:
            declared = self.catalogue.declared.get(name)
            if declared is None or tells_of_others(self.catalogue, declared):
                return True
        return False


def notice_text(notices: Sequence[Notice]) -> str:
    """Return notices as plain text, one after the other."""
    lines: list[str] = []
    for notice in notices:
        lines += [notice.title, ""]
        for section in notice.sections:
            lines += [section.title, *section.paragraphs]
            lines += [f"- {point}" for point in section.points]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def notice_page(notices: Sequence[Notice]) -> str:
    """Return notices as one HTML page: no script, nothing fetched; the same bytes for the same notices."""
    pages = Environment(
        loader=PackageLoader("serving", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("notice.html.j2").render(notices=notices)
