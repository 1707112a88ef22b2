"""Where bars come from: one module a source, all behind one Protocol."""

from __future__ import annotations

from collections.abc import Callable

from lake.config import Settings
from lake.errors import BadInput
from lake.sources.base import Source
from lake.sources.files import FilesSource
from lake.sources.sample import SampleSource
from lake.sources.simulated import SimulatedSource
from lake.sources.yahoo import YahooSource

_SOURCES: dict[str, Callable[[Settings, bool], Source]] = {
    "files": lambda settings, is_patient: FilesSource(),
    "sample": lambda settings, is_patient: SampleSource(),
    "simulated": lambda settings, is_patient: SimulatedSource(),
    "yahoo": YahooSource,
}


def source_names() -> list[str]:
    """Return the names of all sources."""
    return list(_SOURCES)


def open_source(name: str, settings: Settings, is_patient: bool = False) -> Source:
    """Return a source by name; a patient one waits where its host asks for time, another fails.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in _SOURCES:
        raise BadInput(f"expected a source, one of {', '.join(_SOURCES)}, found {name!r}")
    return _SOURCES[name](settings, is_patient)
