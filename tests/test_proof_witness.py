"""What leaves the ledger is checked without it, and a witness signs no history that was rewritten."""

from __future__ import annotations

import ast
import io
import json
import random
import runpy
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest

from features.errors import LedgerError
from serving.ledger import merkle
from serving.proof.audit import verify
from serving.proof.checkpoint import (
    Checkpoint,
    Consistency,
    checkpoint,
    consistent,
    ledger_signer,
    parse_checkpoint,
    signed,
)
from serving.proof.export import export, export_with_payloads, record_proof
from serving.proof.note import (
    LOG,
    WITNESS,
    NoteSigner,
    log_signed,
    new_signer,
    note_text,
    parse_note_key,
    parse_signer,
    witness_times,
)
from serving.proof.witness import cosign, witness_signer
from tests.said import Say
from tests.test_ledger_ledger import TODAY, filled

ROOT = Path(__file__).parents[1]
AT = "2015-07-01T09:00:00+00:00"
NOON = 1_435_752_000
REWRITTEN = 1_000

FOREIGN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
FOREIGN_NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
"""The note and key in the documentation of Go's package `sumdb/note`, which no code of ours has made."""


def test_a_note_that_go_signed_is_read_and_another_text_under_it_is_not_signed() -> None:
    key = parse_note_key(FOREIGN_KEY)
    assert str(key) == FOREIGN_KEY and log_signed(FOREIGN_NOTE, key)
    assert note_text(FOREIGN_NOTE).endswith("your problem is.\n")
    for old, new in (("problem,", "problems,"), ("x08go/", "x08go+"), ("wJnAM=", "wJnAA=")):
        assert not log_signed(FOREIGN_NOTE.replace(old, new), key)


def test_a_key_comes_back_from_its_text_and_its_secret_is_shown_nowhere() -> None:
    for kind in (LOG, WITNESS):
        signer = new_signer("lssi-risk/ab", kind)
        assert parse_signer(signer.secret() + "\n") == signer
        assert parse_note_key(str(signer.key)) == signer.key
        secret = b64encode(bytes([kind]) + signer.seed).decode()
        assert secret in signer.secret() and secret not in repr(signer)
        assert repr(signer.seed) not in repr(signer)


@pytest.mark.parametrize(
    "text", ["", "a+b", FOREIGN_KEY[:-1], FOREIGN_KEY.replace("c7", "c8"), "é"]
)
def test_a_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match="this is no key"):
        parse_note_key(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nline"])
def test_a_name_that_a_line_cannot_hold_names_no_key(name: str) -> None:
    with pytest.raises(LedgerError, match="no spaces and no"):
        new_signer(name, LOG)


@dataclass
class Log:
    """A log in memory: what a rewriter has who holds the ledger's own key."""

    signer: NoteSigner
    leaves: list[bytes] = field(default_factory=list)

    def mark(self, size: int | None = None) -> Checkpoint:
        leaves = self.leaves[: len(self.leaves) if size is None else size]
        node, count = merkle.nodes_of(map(merkle.leaf_hash, leaves))
        origin = self.signer.key.name.removeprefix("lssi-risk/")
        return Checkpoint(origin, count, merkle.root(node, count), AT)

    def proof(self, old: int, size: int | None = None) -> Consistency:
        mark = self.mark(size)
        node, _ = merkle.nodes_of(map(merkle.leaf_hash, self.leaves))
        steps = merkle.consistency(node, old, mark.size) if 0 < old <= mark.size else []
        return Consistency(old, tuple(steps), signed(mark, self.signer))


def grown(signer: NoteSigner, count: int) -> Log:
    return Log(signer, [f"{{{number}}}".encode() for number in range(count)])


def histories_rewritten(log: Log, known: int, dice: random.Random) -> Iterator[Consistency]:
    """Yield histories that are not grown from the first `known` leaves, each under the best proof that could be made."""
    true = log.proof(known)
    while True:
        leaves = list(log.leaves)
        place = dice.randrange(known)
        way = dice.randrange(6)
        if way == 0:
            leaves[place] += b" "
        elif way == 1:
            del leaves[place]
        elif way == 2:
            leaves.insert(place, b"{}")
        elif way == 3:
            leaves = leaves[: dice.randrange(known)]
        elif way == 4:
            other = (place + 1 + dice.randrange(known - 1)) % known
            leaves[place], leaves[other] = leaves[other], leaves[place]
        else:
            leaves[place:] = [sha256(leaf).digest() for leaf in leaves[place:]]
        forged = Log(log.signer, leaves).proof(known)
        # the proof of the forged tree, of the true one, cut, made longer, or of the same size
        path = dice.choice(
            [forged.path, true.path, forged.path[1:], (*forged.path, true.path[0]), true.path[::-1]]
        )
        yield replace(forged, path=path, old=dice.choice([known, known, known, 0, known - 1]))


def test_a_witness_signs_no_history_that_was_rewritten_and_every_one_that_grew(
    tmp_path: Path,
) -> None:
    dice = random.Random(18)
    signer = new_signer("lssi-risk/0123456789abcdef", LOG)
    witness = witness_signer(tmp_path, "office.example/witness")
    log, known, refused = grown(signer, 40), 0, 0
    for size in (7, 16, 33):
        proof = log.proof(known, size)
        line = cosign(tmp_path, witness, str(proof), NOON, signer.key)
        assert witness_times(proof.note + line, witness.key) == [NOON]
        assert log_signed(proof.note + line, signer.key)
        known = size
        files = contents(tmp_path)
        forgeries = histories_rewritten(log, known, dice)
        for _ in range(REWRITTEN // 3 + 1):
            with pytest.raises(LedgerError):
                cosign(tmp_path, witness, str(next(forgeries)), NOON)
            refused += 1
        assert contents(tmp_path) == files
    assert refused >= REWRITTEN
    assert cosign(tmp_path, witness, str(log.proof(known)), NOON)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_witness_signs_only_for_a_log_and_a_key_that_it_was_told(tmp_path: Path) -> None:
    signer, thief = (new_signer("lssi-risk/0123456789abcdef", LOG) for _ in range(2))
    witness = witness_signer(tmp_path, "office.example/witness")
    proof = str(grown(signer, 5).proof(0))
    with pytest.raises(LedgerError, match="does not know the log"):
        cosign(tmp_path, witness, proof, NOON)
    with pytest.raises(LedgerError, match="not signed by the key"):
        cosign(tmp_path, witness, proof, NOON, thief.key)
    cosign(tmp_path, witness, proof, NOON, signer.key)
    with pytest.raises(LedgerError, match="not signed by the key"):
        cosign(tmp_path, witness, str(grown(thief, 6).proof(5)), NOON)
    with pytest.raises(LedgerError, match="another key"):
        cosign(tmp_path, witness, str(grown(thief, 6).proof(5)), NOON, thief.key)
    # asked again, before anything is recorded, it says the same again
    assert cosign(tmp_path, witness, str(grown(signer, 5).proof(5)), NOON)


@pytest.mark.parametrize(
    "text",
    ["", "old 3\n", "old x\n\nnote", "old -1\n\nnote", "old 3\nAAAA\n\nnote", "new 3\n\nnote"],
)
def test_a_text_that_is_no_proof_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LedgerError, match="this is no"):
        cosign(tmp_path, new_signer("w", WITNESS), text, NOON)


@pytest.mark.parametrize("size", ["+5", "05", "-1", "five", "٥", "5 ", "1_0"])
def test_a_checkpoint_says_its_size_in_one_way(size: str) -> None:
    mark = Checkpoint("ab", 5, bytes(32), AT)
    assert parse_checkpoint(str(mark)) == mark
    with pytest.raises(LedgerError, match="no checkpoint"):
        parse_checkpoint(str(mark).replace("\n5\n", f"\n{size}\n"))


@dataclass(frozen=True)
class Exported:
    """A ledger of 13 records, and what has left it."""

    ledger: Path
    key: str
    ids: list[str]
    folder: Path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exported")
    path = folder / "ledger.db"
    ids = filled(path, 9)
    signer = ledger_signer(path)
    (folder / "kept").write_text(signed(checkpoint(path, AT), signer), "utf-8")
    ids += filled(path, 4)
    export(path, folder / "leaves", AT)
    export_with_payloads(path, folder / "all", AT)
    (folder / "proof").write_text(record_proof(path, ids[6], AT), "utf-8")
    return Exported(path, str(signer.key), ids, folder)


SCRIPT = ROOT / "docs" / "verify_ledger.py"


def checked(*words: object) -> tuple[int, str]:
    """Return what the script says that knows nothing of this system, with its code."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
        patch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
    assert len(out.getvalue().splitlines()) == 1
    return int(str(ended.value.code)), out.getvalue()


def test_the_script_needs_nothing_of_this_system(exported: Exported, tmp_path: Path) -> None:
    shutil.copy(SCRIPT, tmp_path)
    # -I: neither the folder that it runs in nor PYTHONPATH leads to this system
    command = [sys.executable, "-I", str(tmp_path / SCRIPT.name)]
    words = [str(exported.folder / "leaves"), exported.key]
    done = subprocess.run([*command, *words], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and "everything agrees" in done.stdout
    modules = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(SCRIPT.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    foreign = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    assert foreign == {"cryptography"}


def test_an_exported_ledger_is_checked_with_its_file_and_its_key_alone(exported: Exported) -> None:
    code, said = checked(exported.folder / "leaves", exported.key)
    assert code == 0 and "13 records, 0 with payload" in said
    kept = ("--checkpoint", exported.folder / "kept")
    code, said = checked(exported.folder / "all", exported.key, *kept)
    assert code == 0 and "13 records, 13 with payload" in said
    assert b'{"n":7}' not in (exported.folder / "leaves").read_bytes()
    assert "payload" not in (exported.folder / "leaves").read_text("utf-8")


def lines_of(exported: Exported) -> list[dict[str, str]]:
    return [json.loads(line) for line in (exported.folder / "all").read_text("utf-8").splitlines()]


def changed(lines: list[dict[str, str]], way: str) -> None:
    leaf = b64decode(lines[5]["leaf"])
    if way == "an entry":
        lines[5]["leaf"] = b64encode(leaf.replace(b"16616", b"16615")).decode()
    elif way == "a payload":
        lines[5]["payload"] = b64encode(b"{}").decode()
    elif way == "a record less":
        del lines[5]
    elif way == "a record more":
        lines.append(lines[5])
    elif way == "two in another order":
        lines[5], lines[6] = lines[6], lines[5]
    else:
        lines[0]["checkpoint"] = lines[0]["checkpoint"].replace("\n13\n", "\n12\n")


@pytest.mark.parametrize(
    "way",
    [
        "an entry",
        "a payload",
        "a record less",
        "a record more",
        "two in another order",
        "the checkpoint",
    ],
)
def test_an_export_that_was_changed_is_found_without_this_system(
    exported: Exported, tmp_path: Path, way: str
) -> None:
    lines = lines_of(exported)
    changed(lines, way)
    (tmp_path / "changed").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    code, said = checked(tmp_path / "changed", exported.key)
    assert code == 1 and "FAULT" in said


def test_an_export_signed_anew_is_found_by_the_checkpoint_kept(
    exported: Exported, tmp_path: Path
) -> None:
    """The ledger's own key signs a shorter history: the signature holds, the checkpoint kept does not."""
    lines = lines_of(exported)
    signer = ledger_signer(exported.ledger)
    log = Log(signer, [b64decode(line["leaf"]) for line in lines[2:]])
    lines[0]["checkpoint"] = signed(log.mark(), signer)
    del lines[1]
    (tmp_path / "anew").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    assert checked(tmp_path / "anew", exported.key)[0] == 0
    code, said = checked(tmp_path / "anew", exported.key, "--checkpoint", exported.folder / "kept")
    assert code == 1 and "not those of the checkpoint kept" in said


def test_a_proof_of_a_record_is_checked_with_the_key_alone(
    exported: Exported, tmp_path: Path
) -> None:
    code, said = checked(exported.folder / "proof", exported.key)
    assert code == 0 and "record 6 (score," in said and "of 13" in said
    text = (exported.folder / "proof").read_text("utf-8")
    (tmp_path / "proof").write_text(text.replace("index 6", "index 7"), "utf-8")
    assert checked(tmp_path / "proof", exported.key)[0] == 1
    assert checked(exported.folder / "proof", FOREIGN_KEY)[0] == 1
    assert checked(exported.folder / "proof", "no key")[0] == 2
    assert checked(exported.folder / "ledger.db", exported.key)[0] == 2


def test_the_commands_lead_from_a_ledger_to_a_witness_and_back(
    exported: Exported, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(exported.folder))
    office, first = tmp_path / "office", tmp_path / "first"
    assert say("ledger", "key").out == f"{exported.key}\n"
    assert say("ledger", "consistent", "--out", str(first)).code == 0
    told = ("--place", str(office), "--name", "office.example/w", "--log-key", exported.key)
    answer = say("ledger", "witness", str(first), *told)
    assert answer.code == 0, answer.err
    note = first.read_text("utf-8").partition("\n\n")[2] + answer.out
    (tmp_path / "note").write_text(note, "utf-8")
    key = answer.err.split()[-1]
    kept = ("--checkpoint", str(tmp_path / "note"))
    assert say("ledger", "verify", *kept).code == 0
    proved = say("ledger", "consistent", str(tmp_path / "note"))
    assert proved.code == 0 and proved.out.startswith("old 13\n")
    code, said = checked(exported.folder / "leaves", exported.key, *kept, "--witness", key)
    assert code == 0 and "signed by office.example/w" in said
    other = say("ledger", "witness", str(exported.folder / "kept"), "--place", str(office))
    assert other.code == 2 and "this is no proof for a witness" in other.err


def test_a_ledger_proves_that_it_grew_only_from_what_it_was(
    exported: Exported, tmp_path: Path
) -> None:
    kept = parse_checkpoint((exported.folder / "kept").read_text("utf-8"))
    proof = consistent(exported.ledger, kept, AT)
    now = parse_checkpoint(proof.note)
    assert merkle.is_consistent((kept.size, kept.root), (now.size, now.root), proof.path)
    for false, why in (
        (replace(kept, root=bytes(32)), "was rewritten"),
        (replace(kept, size=99), "records were cut off"),
        (replace(kept, origin="ab"), "another ledger"),
    ):
        with pytest.raises(LedgerError, match=why):
            consistent(exported.ledger, false, AT)
    assert verify(exported.ledger, TODAY, kept).whole


def test_the_key_of_a_ledger_signs_for_no_other(exported: Exported, tmp_path: Path) -> None:
    filled(tmp_path / "ledger.db", 1)
    key = exported.ledger.with_suffix(".key")
    assert key.stat().st_mode & 0o077 == 0
    (tmp_path / "ledger.key").write_bytes(key.read_bytes())
    with pytest.raises(LedgerError, match="is of another ledger"):
        ledger_signer(tmp_path / "ledger.db")
