"""Opening a source's store: found or loaded first, with the journal beside the source laid over it."""

from __future__ import annotations

from features.home import home
from features.ingest.source import Place, Source, find_source
from features.ingest.staging import Progress
from features.store.current import agreed, live_folder
from features.store.journal_segment import segment_of
from features.store.load import load, quiet
from features.store.source_names import check_name, claim
from features.store.store import Store


def open_store(
    source: Place | Source, data: Place | None = None, progress: Progress = quiet
) -> Store:
    """Return the live store of a source that is fed; else its store, loaded first if its fingerprint is new.

    SourceError where another place holds the source's name, whose journal and models it would get.
    """
    origin = source if isinstance(source, Source) else find_source(source, data)
    check_name(origin)
    live = live_folder(origin)
    folder = agreed(origin, live) if live else load(origin, progress)
    journal = home() / "journal" / origin.name
    return Store(folder, segment_of(folder, journal))


def open_store_until(source: Source, name: str, day: str) -> Store:
    """Return the store of a source that lies in a folder of its stores, as it looked when a day was closed.

    Newer rows and stores are left aside; SourceError and HistoryError as in `open_store`, and where the folder is gone.
    """
    check_name(source)
    folder = source.stores / name
    if live_folder(source) == folder:
        agreed(source, folder)
    journal = home() / "journal" / source.name
    return Store(folder, segment_of(folder, journal), day)


def open_own_store(
    source: Place | Source, data: Place | None = None, progress: Progress = quiet
) -> Store:
    """Return a source's store as `open_store` does, and let the source hold its name: to keep something under it."""
    origin = source if isinstance(source, Source) else find_source(source, data)
    store = open_store(origin, progress=progress)
    claim(origin)
    return store
