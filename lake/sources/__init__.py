"""Where bars come from: one module a source, all behind one Protocol."""

from __future__ import annotations

from lake.errors import BadInput
from lake.sources.base import Source
from lake.sources.files import FilesSource
from lake.sources.sample import SampleSource
from lake.sources.simulated import SimulatedSource

_SOURCES: dict[str, type[Source]] = {
    "files": FilesSource,
    "sample": SampleSource,
    "simulated": SimulatedSource,
}


def source_names() -> list[str]:
    """Return the names of all sources."""
    return list(_SOURCES)


def open_source(name: str) -> Source:
    """Return a source by name.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in _SOURCES:
        raise BadInput(f"expected a source, one of {', '.join(_SOURCES)}, found {name!r}")
    return _SOURCES[name]()
