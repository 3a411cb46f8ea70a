"""The passport of a model, as the page of a record shows it: what it learned from, how good it was, and who let it be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from features.calendar import date_of
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.manifest import SCORECARD
from serving.ledger.approval import Approval

KINDS = {True: ("评分卡", "scorecard"), False: ("提升树", "boosted trees")}
PRECISIONS = (
    ("capacity.labelled_only", "只看有标签的", "labelled only"),
    ("capacity.inverse_propensity", "按倾向加权", "by inverse propensity"),
    ("capacity.random_visits", "按抽签的检查", "from random visits"),
)
"""The three ways in which precision at capacity is told; each stands only where the test had enough for it."""
OTHERS = (("auc", "AUC", "AUC"), ("base_rate", "基础比例", "base rate"))
JOIN = {"zh": "；", "en": "; "}


@dataclass(frozen=True, slots=True)
class PassportLine:
    """One line of a passport: what it is about, and what it says, in both languages."""

    about_zh: str
    about_en: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, eq=False)
class Passport:
    """A model with its history, None where that is not at hand, and its approval, None where the ledger holds none."""

    bundle: Bundle
    store: Store | None
    approval: Approval | None

    def lines(self) -> list[PassportLine]:
        """Return what a reader is told of the model."""
        return [
            self._version(),
            self._kind(),
            self._period(),
            self._precision(),
            self._approved(),
        ]

    def _version(self) -> PassportLine:
        digest = self.bundle.digest[:12]
        if self.approval is None:
            return PassportLine("版本", "version", digest, digest)
        number = self.approval.version
        return PassportLine("版本", "version", f"{number} 号，{digest}", f"{number}, {digest}")

    def _kind(self) -> PassportLine:
        zh, en = KINDS[self.bundle.manifest.format == SCORECARD]
        count = len(self.bundle.features)
        return PassportLine("种类", "kind", f"{zh}，{count} 项特征", f"{en}, {count} features")

    def _period(self) -> PassportLine:
        """Say from which rows and cases it learned; a bundle names the last day of its cases, the history its first row."""
        last = self.bundle.manifest.as_of
        if self.store is None:
            return PassportLine(
                "训练期", "learned from", f"截至 {last} 的案例", f"cases up to {last}"
            )
        first = date_of(self.store.first_known)
        zh = f"{first} 起入库的行，截至 {last} 的案例"
        return PassportLine(
            "训练期", "learned from", zh, f"rows known from {first}, cases up to {last}"
        )

    def _precision(self) -> PassportLine:
        metrics = self.bundle.manifest.metrics
        shares = list(_shares(metrics))
        about = ("能力内精确率", "precision at capacity")
        if not shares:
            return PassportLine(*about, "模型包未载", "not kept in the bundle")
        zh, en = (JOIN[language].join(words) for language, words in _by_language(shares))
        return PassportLine(*about, zh, en)

    def _approved(self) -> PassportLine:
        about = ("批准启用", "approved")
        if self.approval is None:
            return PassportLine(
                *about, "账本中没有此模型的启用记录", "the ledger holds no approval of this model"
            )
        who, at = self.approval.who, self.approval.at[:16].replace("T", " ")
        zh, en = f"{who}，{at}", f"{who}, {at}"
        if self.approval.although:
            zh += f"；理由：{self.approval.although}"
            en += f"; although: {self.approval.although}"
        return PassportLine(*about, zh, en)


def _by_language(shares: list[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    yield "zh", [zh for zh, _ in shares]
    yield "en", [en for _, en in shares]


def _shares(metrics: Mapping[str, float | None]) -> Iterator[tuple[str, str]]:
    """Yield in both languages how long the list of the test was, its precision in each way, and what it is compared with."""
    capacity, listed = metrics.get("capacity.capacity"), metrics.get("capacity.listed")
    if capacity is not None and listed is not None:
        yield f"名单前 {listed:,.0f}（{capacity:.0%}）", f"a list of {listed:,.0f} ({capacity:.0%})"
    for name, zh, en in PRECISIONS + OTHERS:
        value = metrics.get(name)
        if value is not None:
            number = f"{value:.3f}" if name == "auc" else f"{value:.1%}"
            yield f"{zh} {number}", f"{en} {number}"
