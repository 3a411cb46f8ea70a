"""The gate before every route: it refuses a path that `routes.py` does not list, and a role that may not use it."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import CODES, AccessError, KeyExpired
from serving.gate.caller import CALLER, Caller
from serving.gate.content import replayed, whole_body
from serving.gate.count_table import CountTable
from serving.gate.key_register import KeyHolder
from serving.gate.keys import Ring
from serving.gate.matching import route_of, routes_of_path
from serving.gate.other_workers import OtherWorkers
from serving.gate.readiness import REASONS
from serving.gate.refusal_counts import RefusalCounts
from serving.gate.responses import Outgoing, Refused
from serving.gate.route import Route
from serving.gate.shares import Shares
from serving.gate.startup import failure_place
from serving.gate.throttle import MOST_ADDRESSES, MOST_KEYS, FailedAttempts, RequestRates

LOG = logging.getLogger("lssi.access")


_RETRY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHALLENGE = (b"www-authenticate", b"Bearer")


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may cost, how many at once and how often: choices, all of them, for a service on two cores.

    Of a key, half of all open requests, and four in the service's queue: while one is scored, the next are ready. Its
    requests a minute hold where `lssi key add --a-minute` says nothing else. Failures are those of one address.
    """

    body_bytes: int = 8_000_000
    body_seconds: float = 15.0
    answer_seconds: float = 180.0
    at_once: int = 128
    key_at_once: int = 64
    key_turns: int = 4
    key_a_minute: int = 24_000
    failures: int = 60
    failure_seconds: float = 60.0


class LimitCounts:
    """What the workers of a service count together, in one folder of its home; without a folder, each for itself."""

    def __init__(self, folder: Path | None) -> None:
        paths = [folder and folder / name for name in ("failures", "rates")]
        self.failures = CountTable(paths[0], MOST_ADDRESSES)
        self.rates = CountTable(paths[1], MOST_KEYS)
        self.other_workers = OtherWorkers(folder)


class Access:
    """The outermost ASGI application: key, route, role, district, method, rate, body, time; then the service."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        ring: Ring,
        limits: RequestLimits,
        refusals: RefusalCounts | None = None,
        counts: LimitCounts | None = None,
    ) -> None:
        self._app, self._ring, self._limits = app, ring, limits
        self._refusals = refusals or RefusalCounts()
        counts = counts or LimitCounts(None)
        self._failed = FailedAttempts(limits.failures, limits.failure_seconds, counts.failures)
        self._rates = RequestRates(counts.rates)
        self._shares = Shares(
            limits.at_once, limits.key_at_once, limits.key_turns, counts.other_workers
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; close every websocket; let the lifespan through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, Outgoing(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, outgoing: Outgoing) -> None:
        started, who = time.monotonic(), "-"
        route = route_of(scope)
        try:
            if route is not None and not route.roles:
                await self._probed(route, scope, receive, outgoing)
                return
            holder = self._admitted(route, scope)
            who = holder.name
            retry = _retry_key(Headers(scope=scope))
            CALLER.set(Caller(who, retry, holder.team, holder.district, holder.role))
            self._check_rate(holder)
            await self._answered(holder, scope, receive, outgoing)
        except Refused as refused:
            await outgoing.refuse(refused)
            self._count(refused.code, scope)
        except Exception as failure:
            LOG.error("failed: %s", failure_place(failure))
            if outgoing.status and not outgoing.is_whole:
                raise  # the server is to close the connection over an answer that cannot be finished
            if not outgoing.status:
                await outgoing.refuse(
                    Refused("internal", "the service failed; nothing was answered")
                )
        finally:
            self._refusals.write_if_due()
            path = route.path if route else "-"
            milliseconds = 1000 * (time.monotonic() - started)
            LOG.info("route=%s status=%d key=%s ms=%.1f", path, outgoing.status, who, milliseconds)

    async def _probed(
        self, route: Route, scope: Scope, receive: Receive, outgoing: Outgoing
    ) -> None:
        """Answer a probe: it holds no place, waits for no turn, and its body is not read, so no load shuts it out."""
        _check_method(route, scope)
        REASONS.set(outgoing.reasons)
        async with asyncio.timeout(self._limits.answer_seconds):
            await self._app(scope, replayed(b"", receive), outgoing)

    def _admitted(self, route: Route | None, scope: Scope) -> KeyHolder:
        holder = self._holder(scope)
        if route is None:
            raise Refused("route_unknown", "no route has this path; see docs/api.md")
        if holder.role not in route.roles:
            raise Refused(
                "role_refused",
                f"{route.path} is for {', '.join(route.roles)}; this key is for {holder.role}",
            )
        if holder.district is not None and not route.by_district:
            raise Refused(
                "district_refused",
                f"{route.path} is for keys of the whole city, not of one district",
            )
        _check_method(route, scope)
        return holder

    def _holder(self, scope: Scope) -> KeyHolder:
        """Return who holds the key of a request; Refused, and after many such attempts only with the time to wait.

        A key of the register opens whatever came from its address before, so nobody shuts out those who share it.
        """
        try:
            return self._holder_of(Headers(scope=scope))
        except Refused as refused:
            if CODES[refused.code].status == 401:
                self._check_failures(address_of(scope))
            raise

    def _check_failures(self, address: str) -> None:
        moment = time.monotonic()
        seconds = self._failed.wait(address, moment)
        if seconds:
            raise _later("throttled", "too many attempts without a key of the register", seconds)
        if self._failed.count(address, moment):
            LOG.warning("throttled address=%s failures=%d", address, self._limits.failures)

    def _holder_of(self, headers: Headers) -> KeyHolder:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refused(
                "key_missing",
                "send the header Authorization: Bearer KEY; `lssi key add` makes a key",
                _CHALLENGE,
            )
        try:
            holder = self._ring.holder(key.strip())
        except KeyExpired as error:
            raise Refused(error.code, str(error), _CHALLENGE) from None
        except AccessError as error:
            raise Refused(error.code, str(error)) from None
        if holder is None:
            raise Refused(
                "key_unknown",
                "this key is not in the register of keys; `lssi key add` makes a key",
                _CHALLENGE,
            )
        return holder

    def _check_rate(self, holder: KeyHolder) -> None:
        a_minute = holder.a_minute or self._limits.key_a_minute
        seconds = self._rates.wait(holder.name, a_minute, time.monotonic())
        if seconds:
            raise _later("rate_limited", f"this key has {a_minute:,} requests a minute", seconds)

    async def _answered(
        self, holder: KeyHolder, scope: Scope, receive: Receive, outgoing: Outgoing
    ) -> None:
        limits = self._limits
        with self._shares.opened(holder.name) as share:
            content = await whole_body(
                scope, receive, most=limits.body_bytes, seconds=limits.body_seconds
            )
            try:
                async with asyncio.timeout(limits.answer_seconds), share.turns:
                    await self._app(scope, replayed(content, receive), outgoing)
            except TimeoutError:
                if not outgoing.status:
                    raise Refused(
                        "timed_out", "the answer took too long; ask for fewer units"
                    ) from None

    def _count(self, code: str, scope: Scope) -> None:
        if CODES[code].status in (401, 403, 429):
            self._refusals.count(code, address_of(scope))


def address_of(scope: Scope) -> str:
    """Return the address from which a request came, "" where the server does not say it."""
    host, _ = scope.get("client") or ("", 0)
    return str(host)


def _later(code: str, why: str, seconds: int) -> Refused:
    return Refused(
        code, f"{why}; try again in {seconds} seconds", (b"retry-after", str(seconds).encode())
    )


def _check_method(route: Route, scope: Scope) -> None:
    if scope["method"] != route.method:
        methods = ", ".join(other.method for other in routes_of_path(scope))
        raise Refused(
            "method_refused", f"{route.path} answers {methods}", (b"allow", methods.encode())
        )


def _retry_key(headers: Headers) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not _RETRY.fullmatch(key):
        raise Refused(
            "request_invalid", "the header Idempotency-Key should be 1 to 64 of A-Z a-z 0-9 _ -"
        )
    return key
