"""What a worker does before its first answer: logs that repeat no request, and no long pauses for garbage."""

from __future__ import annotations

import gc
import logging
import traceback
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

_RARELY = 50_000
"""Objects made until a collection; a choice far above the usual 700, since full collections made answers wait."""


class Reticent(logging.Formatter):
    """A formatter that says an exception's kind and place in one line, never its message, which may repeat a request."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by kind and place of the exception where there was one."""
        plain = logging.makeLogRecord(
            record.__dict__ | {"exc_info": None, "exc_text": None, "stack_info": None}
        )
        if not record.exc_info or record.exc_info[1] is None:
            return self._inner.format(plain)
        return f"{self._inner.format(plain)} | {failure_place(record.exc_info[1])}"


def failure_place(failure: BaseException) -> str:
    """Return an exception's kind, and the file and line where it was raised: enough to find it, nothing of a request."""
    frames = traceback.extract_tb(failure.__traceback__)
    if not frames:
        return type(failure).__name__
    place = "/".join(Path(frames[-1].filename).parts[-2:])
    return f"{type(failure).__name__} at {place}:{frames[-1].lineno}"


def is_service_failure(record: logging.LogRecord) -> bool:
    """Tell whether a log record is of a failure: an invalid request is none, and the access log has its status already."""
    return not (record.exc_info and isinstance(record.exc_info[1], ValidationError))


def quieten() -> None:
    """Let no log handler print an exception's message, and turn on the access log of the service."""
    named = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    handlers = set(chain.from_iterable(logger.handlers for logger in (logging.root, *named)))
    for handler in handlers:
        if not isinstance(handler.formatter, Reticent):
            handler.setFormatter(Reticent(handler.formatter or logging.Formatter()))
            handler.addFilter(is_service_failure)
    logging.getLogger("lssi").setLevel(logging.INFO)


def settle_memory() -> None:
    """Collect the garbage of loading, exclude what remains from later collections, and collect rarely."""
    # Frozen objects are not walked again: with the models among them each full collection would stop all requests.
    # What an earlier generation left is unfrozen first, so that it is collected when another has taken its place.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_RARELY, 20, 100)
