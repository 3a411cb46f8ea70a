"""The tree of errors: every one says what is wrong, what was given and what to do, in one line."""

from __future__ import annotations


class LssiError(Exception):
    """An error meant for the user: `code` is stable, the message is one line."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(filter(None, map(str.strip, str(message).splitlines()))))


class SourceError(LssiError):
    """A source cannot be read as what it says it is."""

    code = "source_unreadable"


class HistoryError(LssiError):
    """A history is missing, damaged, or does not reach the day asked for."""

    code = "history_unusable"


class HomeError(LssiError):
    """A home is of a newer version, is in use, or its upgrade was stopped."""

    code = "home_unusable"


class CatalogueError(LssiError):
    """A feature, measure or join is declared wrongly."""

    code = "catalogue_invalid"


class UnknownId(LssiError):
    """An enterprise, claim or provider is not in the register of that day."""

    code = "unknown_id"


class RequestError(LssiError):
    """A request or command cannot be understood."""

    code = "request_invalid"


class TargetError(LssiError):
    """A target is not declared, or too few labels exist to learn it."""

    code = "target_unusable"


class CertificateError(LssiError):
    """A certificate of no leakage is not clean, so that nothing may rest on what it is about."""

    code = "certificate_leaking"


class BundleError(LssiError):
    """A model bundle is missing, damaged, or made for other features."""

    code = "bundle_unusable"


class LedgerError(LssiError):
    """A record is unknown, or the ledger does not verify."""

    code = "ledger_unusable"


class LockHeld(LssiError):
    """Another program holds a lock, and did not release it in the time that a run waits."""

    code = "lock_held"


class PolicyError(LssiError):
    """A policy, plan or capacity is declared wrongly."""

    code = "policy_invalid"
