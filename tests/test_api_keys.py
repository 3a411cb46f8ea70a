from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from features.errors import RequestError
from serving.api.keys import ROLES, TEAM_ROLES, Ring, add, digest, remove_key

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
