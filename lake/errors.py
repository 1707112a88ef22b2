"""Errors a user can meet, each one sentence: what was expected, what was found, what to do.

LakeError
├── BadInput            the request cannot be honoured as written
│   ├── BadSymbol
│   ├── UnknownSymbol
│   └── BadFile
├── BadConfiguration    conf/, .env or the environment is wrong
├── SourceUnavailable   the market-data host did not answer usefully
│   ├── SourceBusy          it asks to be left alone for a while
│   └── BadAnswer           it answered about one symbol what cannot be used
├── StoreUnavailable    the lake's folder or bucket cannot be read or written
├── CommitConflict      other writers won every retry of a commit
└── DocumentsUnavailable  MongoDB did not answer
"""

from __future__ import annotations


class LakeError(Exception):
    """Any failure whose message is meant for the person who ran the command."""


class BadInput(LakeError):
    """A request that cannot be honoured as written."""


class BadSymbol(BadInput):
    """A string that is not a symbol by the symbol grammar."""


class UnknownSymbol(BadInput):
    """A well-formed symbol that the source or the lake does not have."""


class BadFile(BadInput):
    """A file that cannot be read as bars."""


class BadConfiguration(LakeError):
    """A configuration file or variable with a value that cannot be used."""


class SourceUnavailable(LakeError):
    """A market-data host that did not answer usefully."""


class SourceBusy(SourceUnavailable):
    """A host that wants to be asked again later; `wait` says in how many seconds, if that is known."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message, wait)
        self.wait = wait

    def __str__(self) -> str:
        return str(self.args[0])


class BadAnswer(SourceUnavailable):
    """An answer about one symbol that cannot be used; other symbols may fare better."""


class StoreUnavailable(LakeError):
    """A lake folder or bucket that cannot be read or written."""


class CommitConflict(LakeError):
    """A commit that lost to other writers on every retry."""


class DocumentsUnavailable(LakeError):
    """A MongoDB server that did not answer."""
