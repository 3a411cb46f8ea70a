"""Responses of the service: all carry the security headers, and every refusal has the same error body."""

from __future__ import annotations

from starlette.types import Message, Send

from serving.errors import body, normalised, status_of
from serving.gate.style import STYLE_HASH

POLICY = f"default-src 'none'; style-src {STYLE_HASH}; base-uri 'none'; frame-ancestors 'none'"
"""Nothing is loaded and nothing runs; the page at /docs may use the one style that stands in it."""
SECURITY = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
REPLACED = {name for name, _ in SECURITY} | {b"server"}
OF_ERRORS = {b"allow", b"deprecation", b"link"}
"""Headers of the application that an error answer keeps."""


class Refused(Exception):
    """A refused request: its stable code, one sentence, and additional headers."""

    def __init__(self, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(code)
        self.code, self.message, self.headers = code, message, headers


class Outgoing:
    """Adds the security headers to a successful answer, and turns every other answer into the error body."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._parts: list[bytes] = []
        self.status = 0
        self.is_whole = False
        self.reasons: list[str] = []

    async def __call__(self, message: Message) -> None:
        """Take one message of the application."""
        if message["type"] == "http.response.start":
            self.status, self._headers = message["status"], tuple(message.get("headers", ()))
            if self.status < 400:
                await self._start(self._headers)
        elif self.status < 400:
            await self._send(message)
            self.is_whole = not message.get("more_body", False)
        else:
            await self._error(message)

    async def refuse(self, refused: Refused) -> None:
        """Answer with a refusal of our own."""
        self.status = status_of(refused.code)
        await self._whole(body(refused.code, refused.message), refused.headers)

    async def _error(self, message: Message) -> None:
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            headers = tuple(header for header in self._headers if header[0].lower() in OF_ERRORS)
            content = normalised(self.status, b"".join(self._parts))
            await self._whole(self._not_ready() if self.reasons else content, headers)

    def _not_ready(self) -> bytes:
        """Return the error body of a service that is not ready, with the word that says why."""
        detail = [{"field": "reason", "problem": word} for word in self.reasons]
        return body("not_ready", "the service is not ready; its log says why", detail)

    async def _whole(self, content: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        length = (b"content-length", str(len(content)).encode())
        await self._start((*headers, (b"content-type", b"application/json; charset=utf-8"), length))
        await self._send({"type": "http.response.body", "body": content})
        self.is_whole = True

    async def _start(self, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        own_headers = [header for header in headers if header[0].lower() not in REPLACED]
        await self._send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [*own_headers, *SECURITY],
            }
        )
