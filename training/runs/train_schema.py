"""The schema of what `lssi train --json` prints; `python -m training.runs.train_schema` makes docs/train.schema.json of it.

Attributes, groups, rates, baselines, metrics and events are named as their tables declare them.
"""

from __future__ import annotations

import json
import sys
from typing import get_args

from training.baselines.declared import baseline_table
from training.baselines.over_origins import COMPARED
from training.baselines.sitting import MODEL
from training.baselines.verdict import Better
from training.evaluation.found_per_hour import PER_HOUR
from training.evaluation.unasked_table import unasked_table
from training.groups.rates import RATES
from training.groups.table import OTHER, UNKNOWN, AuditAttribute, group_table
from training.runs.schema_parts import (
    DAY,
    ESTIMATE,
    ESTIMATES,
    GROUPS,
    LIMITS,
    MAYBE,
    METRICS,
    NOT_ESTIMABLE,
    NUMBER,
    PAIR,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    by_name,
    either,
    fields,
    list_of,
    maybe,
    one_of,
    optional,
    table,
)

WAYS = ("labelled_only", "inverse_propensity", "random_visits")


def train_schema() -> Schema:
    """Return the JSON schema of a training's report."""
    whole = fields(
        target=TEXT,
        unit=one_of(("enterprise-day", "inspection", "claim", "provider")),
        label=one_of(("visit", "event", "review")),
        horizon=WHOLE,
        entity=one_of(("enterprise", "claim", "provider")),
        as_of=DAY,
        train=_part(),
        test=_part(),
        judged=fields(by=one_of(("time", "groups")), folds=maybe(WHOLE), because=maybe(TEXT)),
        set_aside=by_name(WHOLE),
        metrics=METRICS,
        features=WHOLE,
        left_out=by_name(TEXT),
        attributes_left_out=by_name(TEXT),
        fit=_fit(),
        source=TEXT,
        fingerprint=TEXT,
        dataset=TEXT,
        certificate=TEXT,
        certificate_verdict=one_of(("clean",)),
        calibrated_on=one_of(("lottery", "weighted", "visited")),
        model_digest=TEXT,
        bundle=TEXT,
        groups=GROUPS,
        unasked=_unasked(),
        baselines=_baselines(),
        mlflow=fields(run_id=TEXT, model=TEXT, version=WHOLE),
        certified=fields(
            verdict=TEXT,
            as_of=DAY,
            certificate_digest=TEXT,
            catalogue_digest=TEXT,
            cpu_seconds=NUMBER,
        ),
        proxies=_proxies(),
        scorecard=maybe(_scorecard()),
        without=maybe(TEXT),
        beside=maybe(fields(features=WHOLE, metrics=METRICS, groups=GROUPS)),
        not_promoted=maybe(TEXT),
        champion=maybe(WHOLE),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lssi train --json",
        **whole,
        "$defs": {**ESTIMATES, "metrics": _metrics(), "groups": _groups()},
    }


def _part() -> Schema:
    """Return the size of a part; one without rows has no days."""
    size = fields(rows=WHOLE, positives=WHOLE, population=WHOLE)
    return optional(size, **{"from": DAY, "until": DAY})


def _metrics() -> Schema:
    """Return the metrics of a model on the test."""
    always = fields(
        auc=MAYBE,
        average_precision=MAYBE,
        brier=MAYBE,
        brier_of_base_rate=MAYBE,
        log_loss=MAYBE,
        log_loss_of_base_rate=MAYBE,
        base_rate=MAYBE,
        precision_at_capacity=MAYBE,
        capacity=_capacity(),
        intervals=fields(auc=maybe(PAIR), average_precision=maybe(PAIR)),
        calibration=table(cases=WHOLE, told=NUMBER, found=NUMBER),
        expected=maybe(_expected()),
        random_visits=maybe(_random_visits()),
    )
    # a scorecard has no fit of its own to tell of, and visits alone have an order to change
    return optional(
        always,
        days_earlier=MAYBE,
        found_in_first_half=MAYBE,
        found_in_first_half_as_visited=MAYBE,
        directions=maybe(fields(bind=YES_NO, loss_with=NUMBER, loss_without=NUMBER)),
        selection=maybe(_selection()),
        population=fields(basis=TEXT, cases=NUMBER, kind=TEXT, losses=by_name(NUMBER)),
    )


def _capacity() -> Schema:
    """Return what is told of the list that capacity allows, by count and by minutes."""
    by_minutes = fields(
        rule=TEXT,
        minutes=WHOLE,
        visits=WHOLE,
        **_precision(),
        intervals=_way_intervals(),
        **{PER_HOUR: ESTIMATE},
        lottery=_lottery(),
    )
    return fields(
        capacity=NUMBER,
        listed=WHOLE,
        **_precision(),
        intervals=_way_intervals(),
        lottery=_lottery(),
        by_minutes=either(by_minutes, NOT_ESTIMABLE),
    )


def _precision() -> dict[str, Schema]:
    """Return the fields of a list's precision in each way."""
    return {
        **dict.fromkeys(WAYS, MAYBE),
        "random_visits_in_list": WHOLE,
        "share_without_label": MAYBE,
        "base_labelled_only": MAYBE,
        "base_random_visits": MAYBE,
    }


def _way_intervals() -> Schema:
    return fields(**dict.fromkeys(WAYS, LIMITS))


def _lottery() -> Schema:
    """Return what the lottery and the model say together."""
    figures = ("rate", "precision", "recall", "lift", "number", "number_on_list", "number_recall")
    return fields(drawn=WHOLE, drawn_on_list=WHOLE, **dict.fromkeys(figures, ESTIMATE))


def _expected() -> Schema:
    """Return how the numbers told did."""
    by_size = table(up_to=MAYBE, cases=WHOLE, told=NUMBER, found=NUMBER, inside=MAYBE)
    return fields(
        cases=WHOLE,
        told=NUMBER,
        found=NUMBER,
        mean_absolute_error=NUMBER,
        interval=maybe(PAIR),
        inside=MAYBE,
        by_size=maybe(by_size),
    )


def _random_visits() -> Schema:
    return fields(
        cases=WHOLE, told=NUMBER, found=NUMBER, log_loss=NUMBER, log_loss_of_base_rate=NUMBER
    )


def _selection() -> Schema:
    """Return how far those who were looked at speak for all, and how they teach."""
    return fields(
        labelled=WHOLE,
        recorded=WHOLE,
        bystanders=WHOLE,
        effective=MAYBE,
        trimmed=MAYBE,
        seldom=MAYBE,
        way=one_of(("plain", "weighted", "unlabelled")),
        losses=by_name(NUMBER),
    )


def _fit() -> Schema:
    return fields(
        rounds=WHOLE,
        leaves=WHOLE,
        extra=YES_NO,
        smallest_leaf=WHOLE,
        category_smoothing=NUMBER,
        loss_unseen=NUMBER,
        rounds_of_count=maybe(WHOLE),
        calibration=TEXT,
        calibration_losses=by_name(NUMBER),
        form_of_count=maybe(TEXT),
        losses_of_count=maybe(by_name(NUMBER)),
    )


def _groups() -> Schema:
    """Return the audit by groups; the schema names every attribute, and every group that its table declares."""
    declared = group_table()
    attribute = one_of(each.name for each in declared.attribute)
    rate = one_of(each.name for each in RATES)
    group = _group_names()
    return fields(
        least=WHOLE,
        confidence=NUMBER,
        weights=one_of(("inverse_propensity", "equal")),
        attributes=table(attribute=attribute, zh=TEXT, en=TEXT, word=TEXT),
        groups=table(
            attribute=attribute,
            group=group,
            zh=TEXT,
            en=TEXT,
            units=maybe(WHOLE),
            cases=maybe(WHOLE),
            labelled=maybe(WHOLE),
            positives=maybe(WHOLE),
            listed=maybe(WHOLE),
            word=TEXT,
        ),
        rates=table(
            attribute=attribute,
            rate=rate,
            group=group,
            value=MAYBE,
            low=MAYBE,
            high=MAYBE,
            word=TEXT,
        ),
        pairs=table(
            attribute=attribute,
            rate=rate,
            group=group,
            other=group,
            difference=NUMBER,
            low=NUMBER,
            high=NUMBER,
            differ=YES_NO,
        ),
        costs=table(
            feature=TEXT,
            attribute=attribute,
            group=group,
            rate=rate,
            gap=MAYBE,
            gap_without=MAYBE,
            cost=MAYBE,
            low=MAYBE,
            high=MAYBE,
            word=TEXT,
        ),
    )


def _group_names() -> Schema:
    """Return the groups: those declared, all others, those not known, or a value of the data such as a district."""
    names = {UNKNOWN, OTHER}
    for attribute in group_table().attribute:
        names |= _declared_groups(attribute)
    return either(one_of(sorted(names)), {"type": "string", "description": "a value of the data"})


def _declared_groups(attribute: AuditAttribute) -> set[str]:
    readings = (attribute.enterprise, attribute.claim, attribute.provider)
    return {group.name for reading in readings if reading for group in reading.groups}


def _unasked() -> Schema:
    """Return what befell the units of a list that nobody chose to look for."""
    events = table(
        event=one_of(event.name for event in unasked_table().event),
        zh=TEXT,
        en=TEXT,
        struck=maybe(WHOLE),
        struck_on_list=maybe(WHOLE),
        rate=ESTIMATE,
        precision=ESTIMATE,
        recall=ESTIMATE,
        lift=ESTIMATE,
    )
    return fields(as_of=DAY, until=DAY, word=TEXT, units=WHOLE, listed=WHOLE, events=events)


def _baselines() -> Schema:
    """Return the model beside the baselines at every origin."""
    names = [baseline.name for baseline in baseline_table().baseline]
    baseline = one_of(names)
    return fields(
        baselines=table(baseline=baseline, zh=TEXT, en=TEXT, word=TEXT),
        origins=table(
            origin=TEXT,
            is_test=YES_NO,
            taught=WHOLE,
            taught_positives=WHOLE,
            labelled=WHOLE,
            positives=WHOLE,
            population=WHOLE,
        ),
        figures=table(
            model=one_of((MODEL, *names)),
            origin=TEXT,
            **dict.fromkeys((*COMPARED, *WAYS), MAYBE),
        ),
        gains=table(
            baseline=baseline,
            metric=one_of(COMPARED),
            gain=MAYBE,
            low=MAYBE,
            high=MAYBE,
            origins=WHOLE,
        ),
        verdict=fields(
            better=one_of(get_args(Better)),
            over=baseline,
            metric=one_of(COMPARED),
            gain=MAYBE,
            low=MAYBE,
            high=MAYBE,
            origins=WHOLE,
            why=TEXT,
        ),
    )


def _proxies() -> Schema:
    """Return how well features tell each protected attribute."""
    test = fields(
        cases=WHOLE,
        share=NUMBER,
        auc=NUMBER,
        interval=maybe(PAIR),
        tells=YES_NO,
        features=list_of(TEXT),
    )
    return table(attribute=TEXT, value=TEXT, test=maybe(test))


def _scorecard() -> Schema:
    """Return the scorecard that is registered where it is the better choice."""
    line = table(
        feature=TEXT,
        edges=list_of(NUMBER),
        values=maybe(list_of(TEXT)),
        points=list_of(WHOLE),
        cases=list_of(WHOLE),
    )
    card = fields(start=WHOLE, points_to_double=WHOLE, lines=line)
    return fields(bundle=TEXT, model_digest=TEXT, version=WHOLE, metrics=METRICS, card=card)


def schema_text() -> str:
    """Return the schema as its file has it."""
    return json.dumps(train_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
