"""Bytes that two readers could take for different requests: sent by raw sockets to a real server with the real gate."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.gate.access import Access, RequestLimits
from serving.gate.keys import Ring, add
from serving.gate.wire import MOST_HEAD_BYTES, StrictConnection, fault_of_head
from tests.test_gate_access import INNER
from tests.wired import Received, sent, statuses, wired

SECRET = b"370200SECRET"


@dataclass(frozen=True)
class Line:
    """A server's port, and the header with a key that opens it."""

    port: int
    key: bytes

    def send(self, *parts: bytes, pause: float = 0.0) -> Received:
        """Send parts of a request, KEY in them replaced by the key's header."""
        return sent(self.port, *(part.replace(b"KEY", self.key) for part in parts), pause=pause)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    register = tmp_path_factory.mktemp("wire") / "keys.json"
    key = add(register, "a", role="system", today=date(2015, 7, 1))
    gate = Access(
        INNER, ring=Ring(register), limits=RequestLimits(body_seconds=2, answer_seconds=5)
    )
    with wired(gate) as port:
        yield Line(port, b"Authorization: Bearer " + key.encode())


def posted(headers: bytes, body: bytes = b"{}") -> bytes:
    """Return a request to the service with more headers."""
    head = b"POST /v1/info HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Type: application/json\r\n"
    return head + headers + b"\r\n" + body


def test_a_strict_request_is_answered_and_the_connection_stays(line: Line) -> None:
    answer = line.send(posted(b"Content-Length: 2\r\n"))
    assert (answer.status, answer.body, answer.closed) == (200, {"bytes": 2}, False)
    chunked = line.send(posted(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"))
    assert (chunked.status, chunked.body) == (200, {"bytes": 2})
    slow = [bytes([one]) for one in posted(b"Content-Length: 2\r\n").replace(b"KEY", line.key)]
    assert line.send(*slow).status == 200


HOSTILE = {
    "length and chunks": posted(
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "chunks and length": posted(
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n",
    ),
    "two equal lengths": posted(b"Content-Length: 2\r\nContent-Length: 2\r\n"),
    "two unequal lengths": posted(b"Content-Length: 2\r\nContent-Length: 3\r\n"),
    "a list of lengths": posted(b"Content-Length: 2, 2\r\n"),
    "a signed length": posted(b"Content-Length: +2\r\n"),
    "a length of letters": posted(b"Content-Length: 0x2\r\n"),
    "two encodings": posted(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "another encoding": posted(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "an encoding twice": posted(
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"
    ),
    "chunks in 1.0": posted(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n").replace(
        b"1.1", b"1.0"
    ),
    "bare line feeds": b"GET /livez HTTP/1.1\nHost: a\n\n",
    "one bare line feed": b"GET /livez HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare line feed at the end": b"GET /livez HTTP/1.1\r\nHost: a\r\n\n",
    "a bare carriage return": b"GET /livez HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a folded header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: b\r\n  c\r\n\r\n",
    "a folded length": posted(b"Content-Length:\r\n 2\r\n"),
    "a NUL": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n",
    "a control character": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: b\x01c\r\n\r\n",
    "a space before the colon": b"GET /livez HTTP/1.1\r\nHost : a\r\n\r\n",
    "a header without a name": b"GET /livez HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "a header without a colon": b"GET /livez HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two keys": posted(b"Content-Length: 2\r\nAuthorization: Bearer other\r\n"),
    "no request line": b"hello\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n",
    "a later version": b"GET /livez HTTP/9.9.9\r\nHost: a\r\n\r\n",
    "a target with a space": b"GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n",
    "headers too large": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: "
    + b"x" * MOST_HEAD_BYTES
    + b"\r\n\r\n",
    "headers without end": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (2 * MOST_HEAD_BYTES),
    "a chunk of no length": posted(b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk that goes on": posted(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}xx0\r\n\r\n"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_request_that_could_be_read_in_two_ways_is_the_one_error_body_and_closed(
    line: Line, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    request = HOSTILE[what].replace(b"Host: a", b"Host: " + SECRET, 1)
    with caplog.at_level(logging.INFO):
        answer = line.send(request)
    assert answer.closed, answer
    assert (answer.status, answer.code) == (400, "protocol_invalid")
    assert "x-content-type-options: nosniff" in answer.head and "connection: close" in answer.head
    assert "SECRET" not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize("pause", [0.0, 0.2])
@pytest.mark.parametrize("what", ["length and chunks", "one bare line feed", "a folded header"])
def test_a_hostile_request_behind_a_good_one_is_refused_and_nothing_behind_it_is_answered(
    line: Line, what: str, pause: float
) -> None:
    good = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    hostile = HOSTILE[what].replace(b"KEY", line.key)
    assert statuses(line.port, good, hostile + good, pause=pause) == [200, 400]


BODIES = {
    b'{"a": 1, "a": 2}': "request_invalid",
    b'{"a": {"b": [1, {"c": 1, "d": 2, "c": 3}]}}': "request_invalid",
    b'{"a": 1, "\\u0061": 2}': "request_invalid",
    b'{"a": NaN}': "request_invalid",
    b'{"a": [Infinity]}': "request_invalid",
    b'{"a": -Infinity}': "request_invalid",
    b'{"a": 1}}': "json_invalid",
    b"\xef\xbb\xbf{}": "json_invalid",
    '{"a": 1}'.encode("utf-16"): "json_invalid",
    b'{"a": "\xff"}': "json_invalid",
    b"[" * 50_000: "json_invalid",
    b'{"a": 1 /* no */}': "json_invalid",
}


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_json_that_could_mean_two_things_is_refused_at_every_depth(line: Line, body: bytes) -> None:
    answer = line.send(posted(b"Content-Length: %d\r\n" % len(body), body))
    assert answer.code == BODIES[body]


def test_a_large_body_is_looked_at_as_a_small_one(line: Line) -> None:
    body = b'{"x": [' + b'{"a": 1, "b": 2}, ' * 20_000 + b'{"a": 1, "a": 2}]}'
    assert line.send(posted(b"Content-Length: %d\r\n" % len(body), body)).code == "request_invalid"
    body = body.replace(b'"a": 1, "a": 2', b'"a": 1')
    assert line.send(posted(b"Content-Length: %d\r\n" % len(body), body)).body == {
        "bytes": len(body)
    }


TOKEN = st.text("abcXYZ0-_", min_size=1, max_size=8)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
HEADERS = st.lists(st.tuples(TOKEN.map("x-{}".format), VALUE), max_size=6)


@given(headers=HEADERS, cut=st.integers(0, 200))
def test_every_common_request_is_read_as_h11_reads_it_wherever_its_bytes_are_cut(
    headers: list[tuple[str, str]], cut: int
) -> None:
    whole = "".join(f"{name}: {value}\r\n" for name, value in [("host", "a"), *headers])
    content = f"GET /livez HTTP/1.1\r\n{whole}\r\n".encode()
    strict, plain = StrictConnection(h11.SERVER), h11.Connection(h11.SERVER)
    plain.receive_data(content)
    events = []
    for part in (content[:cut], content[cut:]):
        if part:
            strict.receive_data(part)
            events.append(strict.next_event())
    expected = plain.next_event()
    assert isinstance(events[-1], h11.Request) and isinstance(expected, h11.Request)
    assert list(events[-1].headers) == list(expected.headers)


@given(place=st.integers(0, 60), byte=st.sampled_from([b"\n", b"\r", b"\0", b"\x0b", b"\x7f"]))
def test_no_control_character_passes_anywhere_in_a_head(place: int, byte: bytes) -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: a\r\nX-First: one\r\nX-Second: two"
    place = min(place, len(head))
    broken = head[:place] + byte + head[place:]
    # one that makes of a line end another line end is found by h11 itself
    assert fault_of_head(broken) or byte in b"\r\n"


def test_the_head_of_a_common_request_has_no_fault(tmp_path: Path) -> None:
    assert fault_of_head(b"GET /livez HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX:\tb \xe9") == ""
