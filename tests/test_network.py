"""The network by hand: moves, exposure, phoenix firms and rings counted by a reader, as known by a day and no later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import date_of, day_of
from features.catalogue import parameters
from features.catalogue.model import STORED_BY
from features.catalogue.parse import declaration_text
from features.engine.matrices import catalogue_of, matrix, matrix_of_cases
from features.errors import CatalogueError
from features.ingest.scan import files_below
from features.matrix import Matrix
from features.network import stored
from features.network.exposure import ranks
from features.network.signed_rows import full_weight, live_rows, weight
from features.network.stored import kept_values, key_codes, rules_of
from features.online.request import evaluate_rows
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import LAST, loaded_history
from tests.rows import Row, Tables, firm

D = day_of("2015-06-30")
AT = "2013-01-01"


def spell(worker: str, enterprise: str, started: str, ended: str = "", **more: object) -> Row:
    return {
        "worker": worker,
        "enterprise": enterprise,
        "started": started,
        "ended": ended,
        "recorded_on": ended or started,
    } | more


def found(enterprise: str, closed_on: str, violation: int = 1) -> Tables:
    visit = f"I-{enterprise}"
    return {
        "inspections": [
            {
                "inspection": visit,
                "enterprise": enterprise,
                "kind": "routine",
                "opened": closed_on,
                "closed_on": closed_on,
                "recorded_on": closed_on,
            }
            | {f"examined_{n}": 1 for n in range(1, 6)}
        ],
        "findings": [{"inspection": visit, "violation": violation, "recorded_on": closed_on}],
    }


def town() -> Tables:
    """A is found; four of its five move to the newer B of the same owner, one goes from B to C; D stands alone."""
    tables = found("A", "2015-02-01")
    tables["enterprises"] = [
        firm("A", representative="P1", address="X"),
        firm("B", "2014-12-01", representative="P1"),
        firm("C", address="X"),
        firm("D"),
    ]
    tables["employment"] = [spell(f"W{n}", "A", AT, "2015-02-20") for n in range(4)] + [
        spell("W9", "A", AT)
    ]
    tables["employment"] += [spell(f"W{n}", "B", "2015-03-01") for n in range(4)]
    tables["employment"] += [
        spell("W5", "B", "2014-12-10", "2015-05-01"),
        spell("W5", "C", "2015-06-30"),
    ]
    return tables


@pytest.fixture
def row_of(write_source: Callable[..., Path]) -> Callable[..., dict[str, float]]:
    """`row_of(tables, enterprise)`: the network features of one enterprise on the last day."""

    def read(tables: Tables, enterprise: str, entity: str = "enterprise") -> dict[str, float]:
        found = matrix(open_store(write_source(tables)), entity, D, [enterprise])
        return dict(zip(found.names, found.values[0].tolist(), strict=True))

    return read


def test_moves_are_counted_both_ways(row_of: Callable[..., dict[str, float]]) -> None:
    assert row_of(town(), "A")["movers_out_365d"] == 4
    assert row_of(town(), "B")["movers_in_365d"] == 4
    assert row_of(town(), "B")["movers_out_365d"] == 1
    assert row_of(town(), "C")["movers_in_365d"] == 1
    assert row_of(town(), "D")["movers_in_365d"] == 0


def test_exposure_is_the_decayed_share_of_moves_with_found_enterprises(
    row_of: Callable[..., dict[str, float]],
) -> None:
    with_a, fresh = 4 * (2 * 365 - (D - day_of("2015-03-01"))), 2 * 365
    found = row_of(town(), "B")
    assert found["exposure_found"] == with_a / (with_a + fresh)
    assert found["movers_from_found_365d"] == 4
    assert row_of(town(), "C")["exposure_found"] == 0
    assert np.isnan(row_of(town(), "D")["exposure_found"])


def test_another_violation_counts_under_any_finding_alone(
    row_of: Callable[..., dict[str, float]],
) -> None:
    here = row_of(town() | found("A", "2015-02-01", violation=2), "B")
    assert (here["linked_found"], here["linked_found_any"]) == (0, 1)
    assert here["exposure_found"] == 0 < here["exposure_found_any"]
    assert here["rank_found"] == 0 < here["rank_found_any"]


def test_closeness_falls_along_the_network_and_does_not_count_an_own_finding(
    row_of: Callable[..., dict[str, float]],
) -> None:
    rank = {name: row_of(town(), name)["rank_found"] for name in "ABCD"}
    assert rank["B"] > rank["C"] > 0
    assert rank["D"] == 0
    alone = found("D", "2015-02-01") | {"enterprises": town()["enterprises"], "employment": []}
    assert row_of(alone, "D")["rank_found"] == 0


def test_closeness_of_two_by_hand() -> None:
    from scipy.sparse import csr_matrix

    got = ranks(csr_matrix(np.array([[0, 1.0], [1, 0]])), np.array([[1.0], [0.0]]))
    walk = [0.15, 0.0]
    for _ in range(20):
        walk = [0.85 * walk[1] + 0.15, 0.85 * walk[0]]
    assert got[:, 0] == pytest.approx([2 * (walk[0] - 0.15), 2 * walk[1]], rel=1e-12)


def test_links_are_shared_keys_of_any_time(row_of: Callable[..., dict[str, float]]) -> None:
    tables = town()
    tables["enterprises"].append(firm("A", "2015-01-01", representative="P2", address="X"))
    here = row_of(tables, "B")
    assert (here["linked_enterprises"], here["linked_found"], here["linked_closed"]) == (1, 1, 0)
    assert row_of(tables, "A")["linked_enterprises"] == 2


def test_an_address_of_many_is_no_link(row_of: Callable[..., dict[str, float]]) -> None:
    desk = [firm(f"E{n}", address="desk") for n in range(51)]
    assert row_of({"enterprises": desk}, "E7")["linked_enterprises"] == 0
    assert row_of({"enterprises": desk[:50]}, "E7")["linked_enterprises"] == 49


def test_a_phoenix_by_hand(row_of: Callable[..., dict[str, float]]) -> None:
    here = row_of(town(), "B")
    assert (here["phoenix_moved"], here["phoenix_share"], here["phoenix_links"]) == (4, 4 / 5, 1)
    assert here["phoenix_score"] == 4 / 5 * 2


def test_after_a_closing_too_a_newer_firm_is_a_phoenix(
    row_of: Callable[..., dict[str, float]],
) -> None:
    tables = town() | {"inspections": [], "findings": []}
    assert row_of(tables, "B")["phoenix_moved"] == 0
    tables["enterprises"][0] |= {"closed": "2015-02-20"}
    assert row_of(tables, "B")["phoenix_share"] == 4 / 5


def test_an_older_firm_one_mover_or_a_later_year_is_no_phoenix(
    row_of: Callable[..., dict[str, float]],
) -> None:
    older = town()
    older["enterprises"][1] = firm("B", "2009-01-01", representative="P1")
    assert row_of(older, "B")["phoenix_score"] == 0
    one = town()
    one["employment"] = one["employment"][:1] + one["employment"][4:6]
    assert row_of(one, "B")["phoenix_score"] == 0
    early = town() | found("A", "2013-06-01")
    assert row_of(early, "B")["phoenix_score"] == 0


def test_a_second_employer_without_leaving_the_first_is_no_move(
    row_of: Callable[..., dict[str, float]],
) -> None:
    tables = town() | {"employment": [spell("W1", "A", AT), spell("W1", "B", "2015-03-01")]}
    assert row_of(tables, "B")["movers_in_365d"] == 0


def test_after_more_than_ninety_days_it_is_no_move(row_of: Callable[..., dict[str, float]]) -> None:
    for days, moved in ((0, 1), (90, 1), (91, 0)):
        began = date_of(day_of("2015-01-05") + days).isoformat()
        tables = town() | {
            "employment": [spell("W1", "A", AT, "2015-01-05"), spell("W1", "B", began)]
        }
        assert row_of(tables, "B")["movers_in_365d"] == moved, days


@pytest.fixture
def wider_gap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Declarations whose gap between leaving and beginning is 91 days, not 90."""
    declared = declaration_text("parameters.txt").replace("move_gap | 90 |", "move_gap | 91 |")
    readers = (parameters.declared_parameters, parameters.network_parameters, stored.rules_digest)
    monkeypatch.setattr(parameters, "declaration_text", lambda _name: declared)
    for reader in readers:
        reader.cache_clear()
    yield
    for reader in readers:
        reader.cache_clear()


def test_the_declared_gap_decides_what_is_one_move(
    row_of: Callable[..., dict[str, float]], wider_gap: None
) -> None:
    for days, moved in ((91, 1), (92, 0)):
        began = date_of(day_of("2015-01-05") + days).isoformat()
        tables = town() | {
            "employment": [spell("W1", "A", AT, "2015-01-05"), spell("W1", "B", began)]
        }
        assert row_of(tables, "B")["movers_in_365d"] == moved, days


def network_of(store: Store, day: int) -> Matrix:
    return matrix(store, "enterprise", day)


@pytest.mark.parametrize("late", ["employment", "enterprises", "findings"])
def test_what_is_recorded_after_the_day_changes_nothing(
    write_source: Callable[..., Path], late: str
) -> None:
    before = town()
    after = {name: list(rows) for name, rows in town().items()}
    after["inspections"] += found("B", "2015-03-05")["inspections"]
    before["inspections"] += found("B", "2015-03-05")["inspections"]
    new: dict[str, list[Row]] = {
        "employment": [
            spell("W9", "A", AT, "2015-02-20"),
            spell("W9", "B", "2015-03-01"),
            spell("0", "C", AT),
        ],
        "enterprises": [
            firm("D", "2010-02-01", representative="P1", closed="2015-03-01"),
            firm("0", "2010-02-01"),
        ],
        "findings": [{"inspection": "I-B", "violation": 1}],
    }
    after[late] += [row | {"recorded_on": "2015-06-02"} for row in new[late]]
    day = day_of("2015-05-31")
    clean, poisoned = (
        open_store(write_source(tables, folder=name))
        for tables, name in ((before, "a"), (after, "b"))
    )
    assert clean.fingerprint != poisoned.fingerprint
    assert network_of(clean, day).values.tobytes() == network_of(poisoned, day).values.tobytes()
    assert (
        network_of(clean, D).values.tobytes()
        != network_of(poisoned, D).values.tobytes()[: network_of(clean, D).values.nbytes]
    )


def test_a_correction_and_a_retraction_count_from_their_own_day(
    row_of: Callable[..., dict[str, float]],
) -> None:
    tables = town()
    tables["employment"] += [spell("W0", "B", "2015-03-01", recorded_on="2015-04-10", retracted=1)]
    tables["employment"] += [spell("W1", "A", AT, "", recorded_on="2015-04-10")]
    assert row_of(tables, "B")["movers_in_365d"] == 2
    tables["findings"] += [
        {"inspection": "I-A", "violation": 1, "recorded_on": "2015-04-10", "retracted": 1}
    ]
    assert row_of(tables, "B")["linked_found"] == 0


def test_values_are_those_of_the_last_month_end(write_source: Callable[..., Path]) -> None:
    store = open_store(write_source(town()))
    days = np.array([day_of("2015-03-31"), day_of("2015-03-30"), day_of("2015-02-28")])
    found = matrix_of_cases(store, "enterprise", ["B", "B", "B"], days)
    assert found.column("movers_in_365d").tolist() == [4, 0, 0]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A random history of every contract table."""
    return loaded_history(tmp_path_factory, seed=11)


def test_made_again_the_values_are_the_same_bytes(history: Store) -> None:
    from features.network.enterprises import network
    from features.network.rings import rings

    for make in (network, rings):
        once, again = make(history, LAST), make(history, LAST)
        for of, columns in once.items():
            assert {name: column.tobytes() for name, column in columns.items()} == {
                name: column.tobytes() for name, column in again[of].items()
            }


def test_batches_of_workers_and_providers_change_nothing(
    history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from features.network.enterprises import network
    from features.network.rings import rings

    whole = network(history, LAST)["enterprise"], rings(history, LAST)["pair"]
    monkeypatch.setattr("features.network.moves.WORKERS_AT_ONCE", 3)
    monkeypatch.setattr("features.network.rings.PROVIDERS_AT_ONCE", 2)
    parts = network(history, LAST)["enterprise"], rings(history, LAST)["pair"]
    for one, other in zip(whole, parts, strict=True):
        assert all(one[name].tolist() == other[name].tolist() for name in one)
    assert whole[0]["movers_in_365d"].sum() > 0


def test_moves_are_those_of_a_plain_count(history: Store) -> None:
    rows = history.live("employment", LAST, ("worker", "enterprise", "started", "ended"))
    spells = [
        dict(zip(rows, values, strict=True))
        for values in zip(*(rows[name].tolist() for name in rows), strict=True)
    ]
    known = set(history.live("enterprises", LAST, ("enterprise",))["enterprise"].tolist())
    came = dict.fromkeys(known, 0)
    for begun in spells:
        for left in spells:
            same = left["worker"] == begun["worker"] and left["enterprise"] != begun["enterprise"]
            if (
                same
                and {left["enterprise"], begun["enterprise"]} <= known
                and left["ended"] <= LAST
            ):
                came[begun["enterprise"]] += (
                    0 <= begun["started"] - left["ended"] <= 90
                    and begun["started"] <= LAST
                    and LAST - begun["started"] < 365
                )
    kept = kept_values(history, "enterprise", LAST)
    assert (
        dict(zip(kept["enterprise"].tolist(), kept["movers_in_365d"].tolist(), strict=True)) == came
    )


def test_values_around_some_keys_are_those_of_the_whole_file(
    history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "GROUP", 3)
    monkeypatch.setattr(
        stored, "_place", lambda store, of, day: store.folder / "groups" / f"{of}-{day}.parquet"
    )
    for of, by in STORED_BY.items():
        for day in (LAST, history.first_known - 1):
            whole = kept_values(history, of, day)
            key = key_codes(whole, by)
            for wanted in (
                key[:1],
                key[-1:],
                key[len(key) // 3 : len(key) // 2],
                np.array([0, 2**61]),
            ):
                if not len(wanted):
                    continue
                around = kept_values(history, of, day, wanted)
                first = np.searchsorted(key, key_codes(around, by)[:1]).sum()
                here = slice(first, first + len(around[by[0]]))
                assert set(key[here].tolist()) >= set(wanted.tolist()) & set(key.tolist())
                for name, values in whole.items():
                    np.testing.assert_array_equal(around[name], values[here])
    first = kept_values(history, "enterprise", LAST)["enterprise"][:1]
    assert len(kept_values(history, "enterprise", LAST, first)["enterprise"]) == 3


def test_a_negative_far_from_its_row_cancels_it_all_the_same(history: Store) -> None:
    names = ("worker", "enterprise", "started", "ended", "known", "sign")
    rows = history.all_rows("employment", names)
    order = np.random.default_rng(3).permutation(len(rows["sign"]))
    mixed = {name: column[order] for name, column in rows.items()}
    for day in (LAST, LAST - 300):
        kept = live_rows(mixed, day, "worker")
        here = sorted(zip(*(mixed[name][kept].tolist() for name in names[:4]), strict=True))
        live = history.live("employment", day, names[:4])
        assert here == sorted(zip(*(live[name].tolist() for name in names[:4]), strict=True))


def claims(provider: str, employer: str, workers: list[str], **more: object) -> list[Row]:
    return [
        {
            "claim": f"{provider}{employer}{worker}",
            "worker": worker,
            "provider": provider,
            "enterprise": employer,
            "scheme": "medical",
            "filed_on": "2015-05-01",
            "amount": 100,
            "recorded_on": "2015-05-02",
        }
        | more
        for worker in workers
    ]


def clinic() -> Tables:
    """At H1 four of E1 and one of E2 are treated; one of E1 and another of E2 go to H2 as well."""
    rows = (
        claims("H1", "E1", ["a", "b", "c", "d"])
        + claims("H1", "E2", ["e"])
        + claims("H2", "E1", ["a"])
    )
    rows += claims("H2", "E2", ["e", "f"]) + claims("H1", "", ["g"])
    places = [
        {"provider": name, "since": AT, "kind": "hospital", "recorded_on": AT}
        for name in ("H1", "H2", "H3")
    ]
    return {"claims": rows, "providers": places, "enterprises": [firm("E1"), firm("E2")]}


def test_rings_of_a_provider_by_hand(row_of: Callable[..., dict[str, float]]) -> None:
    here = row_of(clinic(), "H1", entity="provider")
    assert (here["claimants_365d"], here["shared_claimants"], here["shared_claimant_share"]) == (
        6,
        2,
        2 / 6,
    )
    assert here["employer_concentration"] == (16 + 1) / 25
    assert (here["ring_claimants"], here["ring_score"]) == (4, (4 / 6) * (4 / 4))
    other = row_of(clinic(), "H2", entity="provider")
    assert (other["ring_claimants"], other["ring_score"]) == (0, 0)
    assert row_of(clinic(), "H3", entity="provider")["claimants_365d"] == 0


def test_ring_of_a_claims_provider_and_employer_by_hand(
    row_of: Callable[..., dict[str, float]],
) -> None:
    here = row_of(clinic(), "H1E1a", entity="claim")
    assert (here["pair_claimants"], here["pair_share_of_employer"], here["pair_ring_score"]) == (
        4,
        1,
        (4 / 6) * 1,
    )
    assert row_of(clinic(), "H2E2f", entity="claim")["pair_ring_score"] == 0
    assert np.isnan(row_of(clinic(), "H1g", entity="claim")["pair_ring_score"])


def test_a_claim_repeated_counts_its_claimant_once_and_an_old_one_not_at_all(
    row_of: Callable[..., dict[str, float]],
) -> None:
    tables = clinic()
    tables["claims"] += claims("H1", "E1", ["a"], claim="again") + claims(
        "H1", "E1", ["z"], filed_on="2014-06-30"
    )
    assert row_of(tables, "H1E1a", entity="claim")["pair_claimants"] == 4
    tables["claims"] += claims("H1", "E1", ["y"], filed_on="2014-07-01")
    assert row_of(tables, "H1E1a", entity="claim")["pair_claimants"] == 5


def test_one_unit_from_its_sent_rows_looks_up_the_same_values(
    write_source: Callable[..., Path],
) -> None:
    store = open_store(
        write_source(
            clinic() | town() | {"enterprises": town()["enterprises"] + clinic()["enterprises"]}
        )
    )
    sent = {"enterprises": [firm("B", "2014-12-01", representative="P1")]}
    online, offline = (
        evaluate_rows(store, "enterprise", "B", D, sent),
        matrix(store, "enterprise", D, ["B"]),
    )
    for name in [
        f.name for f in catalogue_of(store).features("enterprise") if f.family == "network"
    ]:
        assert online.column(name).tobytes() == offline.column(name).tobytes(), name


def test_of_a_unit_that_the_history_never_saw_they_are_missing(
    write_source: Callable[..., Path],
) -> None:
    store = open_store(write_source(town()))
    found = evaluate_rows(store, "enterprise", "new", D, {"enterprises": [firm("new")]})
    names = [f.name for f in catalogue_of(store).features("enterprise") if f.family == "network"]
    assert len(names) == 16
    assert all(np.isnan(found.column(name)[0]) for name in names)


def test_features_of_absent_tables_are_left_out_by_name(write_source: Callable[..., Path]) -> None:
    catalogue = catalogue_of(open_store(write_source({"enterprises": [firm("A")]})))
    assert catalogue.left_out["rank_found"] == "employment, found"
    assert catalogue.left_out["movers_in_365d"] == "employment"
    assert "linked_enterprises" in catalogue.declared


def test_an_undeclared_stored_value_is_named(tmp_path: Path) -> None:
    from features.catalogue.parse import read_catalogue

    extra = tmp_path / "extra.txt"
    extra.write_text(
        "enterprise | odd | stored(nothing) | count | up | extra | 甲 | a |\n", "utf-8"
    )
    with pytest.raises(CatalogueError, match="'nothing' is not declared"):
        read_catalogue(lambda _: True, extra=extra)
    extra.write_text(
        "enterprise | odd | peer(rank_found, cell) | rank | up | extra | 甲 | a |\n", "utf-8"
    )
    with pytest.raises(CatalogueError, match="peer value of 'rank_found'"):
        read_catalogue(lambda _: True, extra=extra)


def test_weights_halve_each_year_and_end() -> None:
    ages: Any = np.array([0, 73, 365, 730, 365 * 12, 365 * 13])
    assert weight(ages).tolist() == [
        full_weight(),
        full_weight() * 9 // 10,
        full_weight() // 2,
        full_weight() // 4,
        full_weight() >> 12,
        0,
    ]


RULES = [
    path for path in files_below(Path(stored.__file__).parent, "*.py") if path.name != "__init__.py"
]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_words_and_layout_of_a_module_are_no_rules(path: Path) -> None:
    text = path.read_text("utf-8")
    told = re.sub(r'"""(?=\w)', '"""In other words: ', text).replace("\n\n\n", "\n\n# a remark\n\n")
    assert told != text and rules_of(told) == rules_of(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("NEAR = 2", "NEAR = 3"),
        ("return key", "return columns"),
        ("max(day", "min(day"),
        ('"provider": rings', '"firm": rings'),
    ],
)
def test_whatever_a_module_does_is_a_rule(before: str, after: str) -> None:
    text = Path(stored.__file__).read_text("utf-8")
    assert before in text and rules_of(text.replace(before, after)) != rules_of(text)
