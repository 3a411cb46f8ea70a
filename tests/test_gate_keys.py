from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from features.errors import LedgerError, RequestError
from features.home import home
from serving.errors import AccessError, KeyExpired
from serving.gate.keys import ROLES, TEAM_ROLES, KeyChange, Ring, add, digest, remove_key, rotate
from serving.ledger.act import act_of
from serving.ledger.finding import Sought, seek
from serving.ledger.read import find
from tests.said import Say

TODAY = date(2015, 7, 1)


def test_a_removed_key_ends_with_the_next_request(register: Path, keys: dict[str, str]) -> None:
    ring = Ring(register)
    assert ring.holder(keys["system"]) is not None
    remove_key(register, "of_system")
    assert ring.holder(keys["system"]) is None
    assert ring.holder(keys["auditor"]) is not None


def test_the_register_keeps_digests_and_no_key(register: Path, keys: dict[str, str]) -> None:
    text = register.read_text("utf-8")
    assert all(key not in text and digest(key) in text for key in keys.values())
    assert len({len(key) for key in keys.values()}) == 1 and len(keys["system"]) >= 43
    assert register.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("of_system", "system"),
        ("a b", "system"),
        ("", "system"),
        ("new", "root"),
    ],
)
def test_a_key_of_a_taken_name_a_wrong_name_or_an_unknown_role_is_not_made(
    register: Path, keys: dict[str, str], name: str, role: str
) -> None:
    before = register.read_bytes()
    with pytest.raises(RequestError):
        add(register, name, role=role, today=TODAY)
    assert register.read_bytes() == before


def test_a_name_that_holds_no_key_cannot_be_removed(register: Path) -> None:
    with pytest.raises(RequestError, match="no key is named 'x'"):
        remove_key(register, "x")


@pytest.mark.parametrize(
    ("role", "team"),
    [
        *((role, None) for role in TEAM_ROLES),
        *((role, "t1") for role in ROLES if role not in TEAM_ROLES),
        ("inspector", ""),
        ("inspector", " t1"),
        ("reviewer", "t\u200b1"),
    ],
)
def test_a_role_that_acts_for_a_team_has_one_and_no_other_has(
    register: Path, role: str, team: str | None
) -> None:
    with pytest.raises(RequestError, match="team"):
        add(register, "new", role=role, today=TODAY, team=team)
    assert not register.exists()


def test_a_register_of_an_earlier_version_is_read(register: Path, keys: dict[str, str]) -> None:
    plain = json.loads(register.read_text("utf-8"))
    without = [
        {name: value for name, value in holder.items() if name != "team"}
        for holder in plain["keys"]
        if holder["role"] not in TEAM_ROLES
    ]
    register.write_text(json.dumps({"keys": without}), "utf-8")
    ring = Ring(register)
    holder = ring.holder(keys["system"])
    assert holder is not None and holder.team is None


NOON = datetime(2015, 7, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that a test sets."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment


def test_a_key_opens_through_its_last_day_and_not_after(register: Path) -> None:
    key = add(register, "guest", role="system", today=TODAY, expires=date(2015, 7, 3))
    clock = Clock(datetime(2015, 7, 3, 23, 59, 59, tzinfo=UTC))
    ring = Ring(register, clock)
    assert ring.holder(key) is not None
    clock.moment += timedelta(seconds=1)
    with pytest.raises(KeyExpired, match="last day"):
        ring.holder(key)


def test_a_key_cannot_be_made_that_is_over_already(register: Path) -> None:
    with pytest.raises(RequestError, match="last day should be 2015-07-01 or later"):
        add(register, "late", role="system", today=TODAY, expires=date(2015, 6, 30))
    assert not register.exists()


def test_a_rotated_key_opens_by_both_secrets_until_the_moment_and_then_by_the_new_one(
    register: Path, keys: dict[str, str]
) -> None:
    clock = Clock()
    ring = Ring(register, clock)
    new = rotate(register, "of_system", until=NOON + timedelta(hours=1))
    for secret in (keys["system"], new):
        holder = ring.holder(secret)
        assert holder is not None and holder.name == "of_system"
    clock.moment += timedelta(hours=1)
    with pytest.raises(KeyExpired, match="rotated"):
        ring.holder(keys["system"])
    assert ring.holder(new) is not None
    newest = rotate(register, "of_system", until=clock.moment + timedelta(hours=1))
    assert ring.holder(keys["system"]) is None and ring.holder(newest) is not None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_register_open_to_others_is_refused_in_one_line_that_says_what_to_do(
    register: Path, keys: dict[str, str], mode: int
) -> None:
    ring = Ring(register)
    assert ring.holder(keys["system"]) is not None
    register.chmod(mode)
    with pytest.raises(AccessError, match=r"chmod 600 keys\.json"):
        ring.holder(keys["system"])
    register.chmod(0o600)
    assert ring.holder(keys["system"]) is not None


def test_a_key_that_cannot_be_recorded_is_not_made_or_rotated_but_removed(
    register: Path, keys: dict[str, str]
) -> None:
    def full(_change: KeyChange) -> None:
        raise LedgerError("no room")

    before = register.read_bytes()
    with pytest.raises(LedgerError):
        add(register, "new", role="system", today=TODAY, record=full)
    with pytest.raises(LedgerError):
        rotate(register, "of_system", until=NOON, record=full)
    assert register.read_bytes() == before
    with pytest.raises(LedgerError):
        remove_key(register, "of_system", full)
    assert Ring(register).holder(keys["system"]) is None


@pytest.mark.parametrize("version", [0, 3, "2"])
def test_a_register_of_a_version_that_is_not_known_opens_nothing(
    register: Path, keys: dict[str, str], version: object
) -> None:
    plain = json.loads(register.read_text("utf-8"))
    assert plain["version"] == 2
    register.write_text(json.dumps(plain | {"version": version}), "utf-8")
    with pytest.raises(AccessError, match="later version"):
        Ring(register).holder(keys["system"])


def test_the_list_says_what_limits_each_key_and_never_a_secret(say: Say) -> None:
    secrets = [
        say("key", "add", "a", "--role", "system", "--district", "D03", "--a-minute", 60).out,
        say(
            "key", "add", "b", "--role", "inspector", "--team", "t1", "--expires", "2099-01-31"
        ).out,
    ]
    rotated = say("key", "rotate", "b", "--until", "2098-01-01T12:00+08:00")
    assert "2098-01-01T12:00:00+08:00" in rotated.err
    listed = say("key", "list")
    [first, second] = json.loads(say("key", "list", "--json").out)["keys"]
    assert (first["district"], first["a_minute"], first["opens"]) == ("D03", 60, True)
    assert (second["team"], second["expires"]) == ("t1", "2099-01-31")
    assert second["old_until"] == "2098-01-01T12:00:00+08:00"
    for secret in (*secrets, rotated.out):
        assert len(secret.strip()) >= 43
        assert secret.strip() not in listed.out and digest(secret.strip()) not in listed.out
    assert len(listed.out.splitlines()) == 3


def test_what_is_done_to_a_key_is_an_entry_that_holds_no_secret(say: Say) -> None:
    added = say("key", "add", "a", "--role", "system", "--who", "anna").out.strip()
    rotated = say("key", "rotate", "a", "--who", "ben").out.strip()
    assert say("key", "remove", "a", "--who", "carl").code == 0
    hits = seek(home() / "ledger.db", Sought(day=datetime.now(UTC).date())).records
    assert [(hit.about, hit.who) for hit in hits] == [
        ("key_added", "anna"),
        ("key_rotated", "ben"),
        ("key_removed", "carl"),
    ]
    for hit in hits:
        payload = find(home() / "ledger.db", hit.record_id).payload or b""
        assert act_of(payload).content["name"] == "a"
        for secret in (added, rotated):
            assert secret.encode() not in payload and digest(secret).encode() not in payload
    assert json.loads(say("ledger", "verify", "--json").out)["whole"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rotate", "nobody"], "no key is named 'nobody'"),
        (["rotate", "a", "--until", "soon"], "a moment should be like"),
        (["add", "b", "--role", "system", "--expires", "2001-01-01"], "last day"),
        (["add", "b", "--role", "system", "--expires", "soon"], "soon"),
        (["add", "b", "--role", "system", "--district", " D1"], "district"),
        (["add", "b", "--role", "system", "--a-minute", 0], "requests a minute"),
    ],
)
def test_a_key_with_terms_that_cannot_be_is_one_line(
    say: Say, words: list[object], says: str
) -> None:
    say("key", "add", "a", "--role", "system")
    assert says in say("key", *words).line
