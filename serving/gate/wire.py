"""HTTP/1.1 read strictly: what two readers could take for two different requests is refused, and the connection closed.

h11 and uvicorn accept bare line feeds, folded headers, a length beside chunks and control characters. A proxy before the service
may read such bytes otherwise, and then one request hides in another (request smuggling).
"""

from __future__ import annotations

import logging
import re
from typing import Any

import h11
from uvicorn import config as server_config
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.errors import CODES, body
from serving.gate.accepting import CountedProtocol, turn_loop
from serving.gate.responses import SECURITY

LOG = logging.getLogger("lssi.access")
MOST_HEAD_BYTES = 16_384
"""Bytes of a request line with its headers; a choice, twice what other servers take."""
CODE = "protocol_invalid"
END = b"\r\n\r\n"
_LINE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_ONCE = (b"content-length", b"transfer-encoding", b"host", b"content-type", b"authorization")
"""Headers that stand in a request once at most."""


def fault_of_head(head: bytes) -> str:
    """Return what is wrong with the head of a request, up to its empty line, or "" where nothing is.

    >>> fault_of_head(b"GET / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 1\\r\\nTransfer-Encoding: chunked")
    'Content-Length and Transfer-Encoding together'
    """
    lines = head.split(b"\r\n")
    if not all(_LINE.fullmatch(line) for line in lines):
        return "a line ends without CR LF, or holds a control character"
    headers = [line.partition(b":") for line in lines[1:]]
    if not all(colon and _NAME.fullmatch(name) for name, colon, _ in headers):
        return "a header is folded, or its name is none"
    values: dict[bytes, list[bytes]] = {}
    for name, _, value in headers:
        values.setdefault(name.lower(), []).append(value.strip(b" \t"))
    if b"transfer-encoding" in values and not lines[0].endswith(b"HTTP/1.1"):
        return "chunks in another version than 1.1"
    return _fault_of_values(values)


def _fault_of_values(values: dict[bytes, list[bytes]]) -> str:
    for name in _ONCE:
        if len(values.get(name, ())) > 1:
            return f"more than one {name.decode().title()}"
    if b"content-length" in values and b"transfer-encoding" in values:
        return "Content-Length and Transfer-Encoding together"
    if not all(_LENGTH.fullmatch(value) for value in values.get(b"content-length", ())):
        return "a Content-Length that is no number"
    if values.get(b"transfer-encoding", [b"chunked"]) != [b"chunked"]:
        return "a Transfer-Encoding other than chunked"
    return ""


class StrictConnection(h11.Connection):
    """A connection that looks at the head of each request before it is parsed, and at the lines of chunks."""

    def next_event(self) -> Any:
        """Return the next event; RemoteProtocolError where the bytes of a request are not strict."""
        if self.their_state is h11.IDLE:
            received, _ = self.trailing_data
            self._check_head(received)
        return super().next_event()

    def _check_head(self, received: bytes) -> None:
        head, end, _ = received.partition(END)
        if len(head) > MOST_HEAD_BYTES:
            raise h11.RemoteProtocolError("the headers are too large")
        if end:
            fault = fault_of_head(head)
        else:  # not whole yet: its last line may still lack its end
            is_bare = b"\n" in head.replace(b"\r\n", b"")
            fault = "a line ends without CR LF" if is_bare else ""
        if fault:
            raise h11.RemoteProtocolError(fault)


class StrictProtocol(CountedProtocol, H11Protocol):
    """The server's protocol over such connections; what cannot be read is answered with the one error body."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.conn = StrictConnection(h11.SERVER, MOST_HEAD_BYTES)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the framework's words, which are not ours
        """Answer in the one error body where no answer has begun, and close the connection."""
        LOG.info("route=- status=%d key=- code=%s", CODES[CODE].status, CODE)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(REFUSAL)
        self.transport.close()


def _refusal() -> bytes:
    content = body(
        CODE, "the request is no strict HTTP/1.1; send it with a common client, each header once"
    )
    headers = (
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
        *SECURITY,
    )
    lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + END + content


REFUSAL = _refusal()
"""The whole answer to a request that cannot be read."""


def speak_strictly() -> None:
    """Let every HTTP server that this process starts from now on read strictly and take connections in turn.

    The framework has no setting for it.
    """
    server_config.LOOP_FACTORIES["auto"] = f"{turn_loop.__module__}:{turn_loop.__name__}"
    server_config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{StrictProtocol.__name__}"
