"""The entry of the command line: runs one command, and reports every error in one line."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

import typer
from typer._click.exceptions import ClickException

from features.errors import LssiError
from features.files import remove_unreachable
from lssi.output import check_standard_output
from lssi.signals import stoppable
from models.bundle.own_process import claim_process

FULL = "No space left on device"
"""What an engine says in an error of its own when a disk is full."""
INTERRUPTED = 130
"""The exit code of a shell's command that Ctrl-C ended: 128 + SIGINT."""


def run(app: typer.Typer) -> None:
    """Run one command of a program; a user's error ends in one line, a bug of ours in a traceback."""
    claim_process()
    try:
        check_standard_output()
        with stoppable():
            code = app(standalone_mode=False) or 0
            remove_unreachable()
            sys.exit(code)
    except LssiError as error:
        fail(error.code, str(error))
    except ClickException as error:
        fail("request_invalid", f"{error.format_message()}; see lssi --help")
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone; nothing more to say to it
    except OSError as error:
        fail("file_unusable", unusable(error))
    except UnicodeDecodeError as error:
        fail("file_unusable", f"a file is not {error.encoding}: {error.reason}; save it as UTF-8")
    except UnicodeEncodeError as error:
        fail("request_invalid", unwritable(error))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception as error:
        if FULL not in str(error):
            raise
        fail("file_unusable", f"{FULL}; make room, or name another place with LSSI_HOME or --out")


def unusable(error: OSError) -> str:
    """Return what to say of a file that cannot be used."""
    file = error.filename or "a file"
    reason = error.strerror or error
    return f"{file}: {reason}; check that it can be read or written"


def unwritable(error: UnicodeEncodeError) -> str:
    """Return what to say of a text that is no Unicode, such as a path of other bytes."""
    characters = error.object[error.start : error.end]
    shown = ascii(characters[:8])
    return f"{error.encoding} cannot write {shown}; give names and paths in valid UTF-8"


def fail(code: str, message: str) -> NoReturn:
    """Leave with exit code 2 and one line on stderr, or one JSON object where --json was asked."""
    text = " ".join(message.split())
    line = f"error: {code}: {text}"
    if "--json" in sys.argv:
        line = json.dumps({"error": code, "message": text}, ensure_ascii=False, allow_nan=False)
    print(line, file=sys.stderr)
    sys.exit(2)
