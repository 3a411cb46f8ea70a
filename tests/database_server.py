"""A PostgreSQL server of the tests' own, which they may stop, restart, freeze and put back to an older state."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from serving.database.place import DatabaseLedger

PASSWORD = "open sesame"
QUIET: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}


def as_other_user(folder: Path) -> list[str]:
    """Return the words that run a program as a user whom the server accepts: it never runs as root."""
    if os.geteuid() != 0:
        return []
    user = next(
        pwd.getpwnam(name)
        for name in ("postgres", "nobody")
        if any(one.pw_name == name for one in pwd.getpwall())
    )
    os.chown(folder, user.pw_uid, user.pw_gid)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@dataclass(frozen=True)
class DatabaseServer:
    """A server in a folder of its own: its programs, the words that run them, its port and its options."""

    folder: Path
    programs: Path
    run: tuple[str, ...]
    port: int
    options: str

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    @property
    def passfile(self) -> Path:
        """The file from which libpq reads the passwords of this server's users."""
        return self.folder / "passfile"

    def address(self, schema: str = "public", user: str = "lssi") -> str:
        """Return the address of a schema, which holds no password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres?schema={schema}"

    def lay_out(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(f"{PASSWORD}\n", "utf-8")
        secret.chmod(0o644)
        # of this port alone: the file of a server must open no other one to the tests beside it
        self.passfile.write_text(f"127.0.0.1:{self.port}:*:*:{PASSWORD}\n", "utf-8")
        self.passfile.chmod(0o600)
        words = [str(self.programs / "initdb"), "-D", str(self.cluster), "-U", "lssi"]
        words += ["-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"]
        subprocess.run([*self.run, *words], **QUIET)

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
            f" -c shared_buffers=16MB {self.options}"
        )
        self._control("-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        self._control("-m", mode, "stop")

    @contextmanager
    def away(self, mode: str = "immediate") -> Iterator[None]:
        """Let the server be stopped for a while."""
        self.stop(mode)
        try:
            yield
        finally:
            self.start()

    def _control(self, *words: str) -> None:
        control = [*self.run, str(self.programs / "pg_ctl"), "-D", str(self.cluster), "-w"]
        subprocess.run([*control, *words], **QUIET)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let every process of the server stand still, as a machine does that hangs."""
        main = int((self.cluster / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(main)], capture_output=True, text=True, check=True
        )
        processes = [main, *map(int, children.stdout.split())]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def execute(self, *statements: str, schema: str = "public", user: str = "lssi") -> None:
        """Run statements, all or none, in a schema."""
        with self.connected(schema, user) as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def connected(self, schema: str = "public", user: str = "lssi") -> Iterator[Any]:
        """Yield a connection in a transaction, with a schema's tables before all others."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname="postgres", user=user, password=PASSWORD
        ) as connection:
            connection.execute("SELECT set_config('search_path', %s, false)", (schema,))
            yield connection


def database_place(server: DatabaseServer, home: Path) -> DatabaseLedger:
    """Return the place of a new ledger on a server, and a home for what lies beside it."""
    home.mkdir(parents=True, exist_ok=True)
    return DatabaseLedger(server.address(f"ledger_{secrets.token_hex(6)}"), home)


@contextmanager
def running_server(postgres: str, options: str) -> Iterator[DatabaseServer]:
    """Yield a server of our own; it is gone afterwards."""
    # Not below pytest's own folder, which the next run beside this one closes to other users again.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = tuple(as_other_user(folder))
    server = DatabaseServer(folder, Path(postgres).parent, run, port, options)
    server.lay_out()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
