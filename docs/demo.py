"""The whole walk by public commands: a city, its models, a week of inspections and what comes back, a replay, a report."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

LSSI = [sys.executable, "-m", "lssi"]
MONTHS = 36
UNTIL = "2015-06-30"
WEEK = "2015-07-06"
PUBLIC_NAME = "收盘指数 closing index"
PUBLIC_VALUE = "3686.92"
"""What an operator would read in tomorrow's newspaper; the demo waits for seconds instead."""
PUBLIC_AFTER = 30
"""Seconds at least from the commitment's command until its public value is known: more than the command takes; the
novelty queue is listed and the alerts are issued meanwhile."""
AS_LONG_AS = 3
"""A commitment reads what `lssi features` writes, and more: so many times as long is enough for it on a busy machine too."""
SHOWN = 3
SIDE_BY_SIDE = 2
"""Trainings at once: one for each core that the project asks for; each takes one core for most of its time."""
PATIENCE = 300  # seconds until the service must be ready


def main() -> None:
    """Walk once round the house in a folder of its own."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--enterprises", type=int, default=20_000)
    words.add_argument("--folder", type=Path, default=Path(".lssi") / "demo")
    asked = words.parse_args()
    os.environ["LSSI_HOME"] = str((asked.folder / "home").resolve())
    began = time.monotonic()
    city = asked.folder / f"city-{asked.enterprises}"
    told(
        "city",
        city,
        "--enterprises",
        asked.enterprises,
        "--months",
        MONTHS,
        "--until",
        UNTIL,
        "--seed",
        1,
        "--name",
        city.name,
    )
    told("check", city)
    features_began = time.monotonic()
    told(
        "features",
        city,
        "--entity",
        "enterprise",
        "--as-of",
        UNTIL,
        "--out",
        asked.folder / "features.parquet",
    )
    features_took = time.monotonic() - features_began
    learned(targets_of(city), city)
    public_at = committed(city, max(PUBLIC_AFTER, AS_LONG_AS * features_took))
    told("novelty", city, "--as-of", UNTIL, "--top", SHOWN)
    alerted(city)
    drawn(city, public_at)
    plan = planned(city, asked.folder / "week")
    returned(city, plan, asked.folder / "outcome.json")
    record = asked_over_http(city, highest(plan))
    replayed(record)
    pages = {"report": asked.folder / "report.html", "notice": asked.folder / "notice.html"}
    for command, page in pages.items():
        told(command, record, *first_unit(command, plan), "--out", page)
    told("ledger", "verify")
    print(f"\n完成 done in {time.monotonic() - began:.0f} s")
    print("接着打开 open next:")
    sheets = [file for file in plan["files"] if file.endswith(".html")]
    for page in (*pages.values(), *sheets):
        print(f"  {page}")


def targets_of(city: Path) -> list[str]:
    """Return the targets that the city declares: four, or three where it has too few providers to learn from."""
    declared = tomllib.loads((city / "source.toml").read_text("utf-8"))
    return list(declared["target"])


def told(*words: object) -> None:
    """Run a command as a user would type it and let it speak for itself."""
    print(f"\n$ lssi {shlex.join(map(str, words))}", flush=True)
    subprocess.run([*LSSI, *map(str, words)], check=True)


def heard(*words: object) -> Any:
    """Run a command and return the JSON that it prints."""
    print(f"\n$ lssi {shlex.join(map(str, words))}", flush=True)
    return json.loads(
        subprocess.run([*LSSI, *map(str, words)], check=True, stdout=subprocess.PIPE).stdout
    )


def learned(targets: list[str], city: Path) -> None:
    """Train a model of each target, some side by side, and show them in the order of their declarations."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        trainings = pool.map(training_of, targets, repeat(city))
        for target, done in zip(targets, trainings, strict=True):
            print(f"\n$ lssi {shlex.join(training_words(target, city))}", flush=True)
            show_training(done)


def training_words(target: str, city: Path) -> list[str]:
    """Return the command that trains a target's model, without the program's name."""
    return ["train", target, str(city), "--json"]


def training_of(target: str, city: Path) -> subprocess.CompletedProcess[bytes]:
    """Train a target's model, or a scorecard where that is no worse, and return what the command printed."""
    words = [*LSSI, *training_words(target, city)]
    return subprocess.run(words, check=False, capture_output=True)


def show_training(done: subprocess.CompletedProcess[bytes]) -> None:
    """Print what was learned; a city with too few labels of a target says so, and any other refusal ends the demo."""
    if done.returncode:
        # the error is the last line; lines before it tell of progress
        refused = json.loads(done.stderr.splitlines()[-1])
        if refused["error"] != "target_unusable":
            sys.exit(refused["message"])
        print(f"  没有模型 no model: {refused['message']}")
        return
    said = json.loads(done.stdout)
    print(f"  model {said['model_digest'][:12]}, as of {said['as_of']}")
    verdict = said["baselines"]["verdict"]
    print(f"  更好的选择 the better choice: {verdict['better']}, {verdict['why']}")
    for name, value in said["metrics"].items():
        if isinstance(value, float):
            print(f"  {name} {value:.3f}")


def committed(city: Path, seconds: float) -> datetime:
    """Commit to the week's lottery, and return when its public value is known, so many seconds from now."""
    public_at = datetime.now(UTC) + timedelta(seconds=seconds)
    value = ("--public-name", PUBLIC_NAME, "--public-at", public_at.isoformat(timespec="seconds"))
    told("lottery", "commit", city, "--week", WEEK, *value)
    return public_at


def drawn(city: Path, public_at: datetime) -> None:
    """Wait until the lottery's public value is known, draw with it, and verify the draw."""
    # the moment is told in whole seconds, so one more is certainly after it
    time.sleep(max(0.0, (public_at - datetime.now(UTC)).total_seconds() + 1))
    told("lottery", "draw", city, "--week", WEEK, "--public", PUBLIC_VALUE)
    told("lottery", "verify", city, "--week", WEEK)


def planned(city: Path, folder: Path) -> Any:
    """Plan the week, write its sheets, show one list, and return the plan."""
    said = heard("plan", city, "--week", WEEK, "--out", folder, "--json")
    visits = visits_of(said)
    print(
        f"  计划 plan {said['plan']}: {len(said['cells'])} 份清单 lists, {len(visits)} 次检查 visits, "
        f"{said['planned_minutes']}/{said['minutes']} min; 规则 rule {said['rule']}"
    )
    for why in ("complaint", "exposure", "score", "lottery"):
        print(f"  {why}: {sum(visit['why'] == why for visit in visits)}")
    longest = max(said["cells"], key=lambda cell: len(cell["visits"]))
    told("plan", city, "--week", WEEK, "--cell", longest["cell"] or "-")
    told("why", city, visits[0]["enterprise"], "--week", WEEK)
    return said


def visits_of(plan: Any) -> list[Any]:
    """Return the visits of all lists of a plan."""
    return [visit for cell in plan["cells"] for visit in cell["visits"]]


def highest(plan: Any) -> list[str]:
    """Return the enterprises of a plan with the highest scores."""
    by_score = sorted(visits_of(plan), key=lambda visit: -visit["probability"])
    return [visit["enterprise"] for visit in by_score[:SHOWN]]


def alerted(city: Path) -> None:
    """Issue the alerts of the last closed day, show the first, and let its team acknowledge it."""
    said = heard("alerts", city, "--as-of", UNTIL, "--json")
    print(f"  {len(said['issued'])} 条预警 alerts")
    if not said["issued"]:
        return
    first = said["issued"][0]
    print(f"  {first['alert']} → 队伍 team {first['team']}: {first['enterprise']}")
    for match in first["matches"]:
        print(f"    {match['zh']}\n    {match['en']}")
    print(f"    核查 check: {first['check']['zh']}\n    {first['check']['en']}")
    told("acknowledge", city, "--alert", first["alert"], "--team", first["team"])
    about = first["matches"][0]["rows"][0] if first["matches"] else None
    if about is not None:
        row = ("--table", about["table"], "--row", about["row_id"])
        whose = ("--enterprise", first["enterprise"])
        told("appeal", city, "--appeal", "demo-1", *row, *whose, "--lodged", WEEK)


def returned(city: Path, plan: Any, file: Path) -> None:
    """Post back what the first visit found: here two workers without cover, as a team would write it."""
    enterprise = visits_of(plan)[0]["enterprise"]
    outcome = {
        "inspection": "demo-1",
        "enterprise": enterprise,
        "plan": plan["plan"],
        "opened": WEEK,
        "closed_on": WEEK,
        "examined": [1],
        "found": [{"violation": 1, "workers": 2}],
    }
    file.write_text(json.dumps(outcome, indent=2), "utf-8")
    told("outcome", city, "--file", file)
    line = ("--plan", plan["plan"], "--enterprise", enterprise)
    told("override", city, *line, "--decision", "accept", "--reason", "agrees")


def first_unit(command: str, plan: Any) -> tuple[str, ...]:
    """Return the words by which a notice names its one unit; a report of a record shows all."""
    return ("--unit", highest(plan)[0]) if command == "notice" else ()


def asked_over_http(city: Path, enterprises: list[str]) -> str:
    """Score enterprises over HTTP, print why in both languages, and return the number of the record."""
    name = f"demo-{os.getpid()}"
    print(f"\n$ lssi key add {name} --role system")
    key = subprocess.run(
        [*LSSI, "key", "add", name, "--role", "system"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    with service(city) as address:
        print(f"\nPOST {address}/v1/enterprises/score {json.dumps({'enterprises': enterprises})}")
        answer = post(
            f"{address}/v1/enterprises/score", {"enterprises": enterprises}, key.stdout.split()[-1]
        )
    for unit in answer["units"]:
        expected = (
            ""
            if unit["expected"] is None
            else f", 预计人数 expected workers {unit['expected']:.1f}"
        )
        print(
            f"\n{unit['id']}: 分数 score {unit['score']:.3f}{expected}, 名次 rank {unit['rank']}/{unit['rank_of']}"
        )
        if unit["expected_words"] is not None:
            print(f"  {unit['expected_words']['zh']}\n  {unit['expected_words']['en']}")
        for reason in unit["reasons"][:SHOWN]:
            print(f"  {reason['contribution']:+.2f} {reason['zh']}\n        {reason['en']}")
    print(f"\n{answer['priority_only']['zh']}\n{answer['priority_only']['en']}")
    return str(answer["record_id"])


def replayed(record: str) -> None:
    """Rebuild the recorded answer and say whether it is the same to the bit."""
    told("replay", record)


@contextmanager
def service(city: Path) -> Iterator[str]:
    """Yield the address of a service on a free loopback port, ready to answer; stop it afterwards."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    print(f"\n$ lssi serve {city} --port {port}", flush=True)
    process = subprocess.Popen(
        [*LSSI, "serve", str(city), "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return once the service says that it is ready; leave where it ends or takes too long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    sys.exit("the service did not become ready; run `lssi serve` by hand and read what it says")


def post(url: str, content: object, key: str) -> Any:
    """Return the JSON that the service answers."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    question = urllib.request.Request(url, json.dumps(content).encode(), headers)
    try:
        with urllib.request.urlopen(question, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"the service refused: {error.read().decode()}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
