"""One route: its path and method, who may use it, the forms of what is asked and answered, and how it may be refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from serving.answers import Said
from serving.requests import Body

IdempotencyKey = Literal["none", "may", "must"]
"""Whether a route reads the header Idempotency-Key, and whether it can do without."""
_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method: who may use it (nobody named: everyone, even without a key), and what it is for.

    `path` may have parts in braces; they and the query are the fields of the `form` of a GET. A route without a form
    takes nothing, one without `answer` answers text of `media`. `codes` are the refusals that are its own, beside those
    of every route. `example` is a request that is answered 200. A route with a `successor` is deprecated.

    `by_district` is true where the answer holds to a key's district, or shows no unit: a key of one district may use no
    other route. A history that is sent is compared with peers and links of the whole city, so it is none of these.
    """

    name: str
    path: str
    method: str
    roles: tuple[str, ...]
    zh: str
    en: str
    form: type[Body] | None = None
    answer: type[Said] | None = None
    media: str = "application/json"
    codes: tuple[str, ...] = ()
    key: IdempotencyKey = "none"
    example: Mapping[str, Any] = field(default_factory=dict)
    successor: str = ""
    by_district: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts of the path that are in braces."""
        return tuple(_PART.findall(self.path))

    @property
    def inside(self) -> str:
        """The path by which the service behind the gate knows this route: no value of a request is in it."""
        return self.successor or self.path
