"""YAML with line numbers: a file as nodes, and refusals that say where they found what.

Built on the composed nodes, never on constructed objects: a value is its text, so `on`, `1d` and
`0x10` stay what was written, and no tag can build anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from lake.errors import BadConfiguration
from lake.features.registry import near

LARGEST_FILE = 1_000_000
"""Bytes of a file that a person writes; a larger one would keep every start waiting."""

_KINDS = ((yaml.SequenceNode, "a list"), (yaml.MappingNode, "names with values"))


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a rule is read as it stands, and no file can grow when expanded."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias; write it out", mark)
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a file and the line it is named by, from 1; the root has the file's text."""

    origin: str
    node: yaml.Node
    line: int
    text: str = ""

    def refusal(self, expected: str, found: str) -> BadConfiguration:
        """Return the error that names file, line, what was expected and what was found."""
        return refusal(self.origin, self.line, f"expected {expected}, found {found}")

    def scalar(self, expected: str) -> str:
        """Return the text of a single, non-empty value."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            raise self.refusal(expected, self._kind())
        if half := re.search("[\ud800-\udfff]", self.node.value):
            found = f"half a character, \\u{ord(half[0]):04x}; write the character itself"
            raise self.refusal(f"{expected} of whole characters", found)
        return str(self.node.value).strip()

    def items(self, expected: str) -> list[Node]:
        """Return the entries of a list that has some."""
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            raise self.refusal(expected, self._kind())
        return [_node(self.origin, each) for each in self.node.value]

    def entries(self, expected: str) -> dict[str, Node]:
        """Return the values of a mapping by their keys; a key may stand once."""
        if not isinstance(self.node, yaml.MappingNode) or not self.node.value:
            raise self.refusal(expected, self._kind())
        entries: dict[str, Node] = {}
        for key_node, value_node in self.node.value:
            key = _node(self.origin, key_node)
            name = key.scalar("a name")
            if name in entries:
                raise key.refusal(
                    f"{name} once", f"it again (first on line {entries[name].line}); remove one"
                )
            value = _node(self.origin, value_node)
            entries[name] = value if value.is_scalar else replace(value, line=key.line)
        return entries

    def fields(self, required: Collection[str], optional: Collection[str], what: str) -> dict[str, Node]:
        """Return the entries of a mapping whose keys are known and complete."""
        allowed = [*required, *optional]
        entries = self.entries(f"{what} with {', '.join(allowed)}")
        for name, entry in entries.items():
            if name not in allowed:
                raise entry.refusal(
                    f"one of {', '.join(allowed)} in {what}", f"{name!r}{near(name, allowed)}"
                )
        if missing := [name for name in required if name not in entries]:
            raise self.refusal(f"{what} with {missing[0]}", f"only {', '.join(entries)}")
        return entries

    @property
    def is_scalar(self) -> bool:
        """Return whether this is a single value."""
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_in_braces(self) -> bool:
        """Return whether this is written as in JSON, not by lines and indentation."""
        return isinstance(self.node, yaml.CollectionNode) and bool(self.node.flow_style)

    @property
    def is_mapping(self) -> bool:
        """Return whether this is names with values."""
        return isinstance(self.node, yaml.MappingNode)

    def _kind(self) -> str:
        if not self.node.value or (self.is_scalar and not self.node.value.strip()):
            return "nothing"
        return next((kind for node, kind in _KINDS if isinstance(self.node, node)), "one value")


def _node(origin: str, node: yaml.Node) -> Node:
    return Node(origin, node, int(node.start_mark.line) + 1)


_OPEN = ("stream end", "end of stream", "could not find expected ':'")

_HINTS = {
    "got '['": "put a condition that has brackets in quotes",
    "got '{'": "put a condition that has brackets in quotes",
    "'\\t'": "indent with spaces",
    "stream end": "close the bracket or the quote",
    "end of stream": "close the quote",
    "another document": "remove the line ---",
    "mapping values are not allowed": "indent it as its neighbours, or put the text in quotes",
    "<block mapping start>": "indent it as its neighbours",
    "could not find expected ':'": "write a colon and a space after the name",
}
"""What to do about the parser's complaints, by a part of them."""


def _hint(found: str) -> str:
    return next((f"; {hint}" for part, hint in _HINTS.items() if part in found), "")


def refusal(origin: str, line: int, reason: str) -> BadConfiguration:
    """Return the error of a file that cannot be used."""
    return BadConfiguration(f"{origin}, line {line}: {reason}")


def read_document(path: Path) -> Node:
    """Return the root of a YAML file.

    Raises:
        BadConfiguration: it cannot be read, is empty, or is not plain YAML.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadConfiguration(
            f"{path}: expected a readable UTF-8 file, found: {reason}; check its name and its owner"
        ) from error
    if len(content) > LARGEST_FILE:
        found = f"{len(content):,}; is it the right one?"
        raise refusal(str(path), 1, f"expected a file of at most {LARGEST_FILE:,} bytes, found {found}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}; save it as UTF-8"
        raise refusal(str(path), line, f"expected a readable UTF-8 file, found {found}") from error
    return parse_document(text, str(path))


def parse_document(text: str, origin: str) -> Node:
    """Return the root of YAML text; `origin` names it in refusals.

    Raises:
        BadConfiguration: it is empty or not plain YAML.
    """
    try:
        root = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        found = " ".join(filter(None, (error.context, error.problem)))
        # What is never closed is best looked for where it was opened.
        opened = error.context_mark if any(each in found for each in _OPEN) else None
        mark = opened or error.problem_mark
        line = mark.line + 1 if mark else 1
        raise refusal(origin, line, f"expected plain YAML, found {found}{_hint(found)}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise refusal(
            origin, line, f"expected plain YAML, found {error.reason}; delete the character"
        ) from error
    except RecursionError as error:
        raise refusal(
            origin, 1, "expected plain YAML, found too many brackets in one another; close them"
        ) from error
    if root is None:
        raise refusal(
            origin, 1, "expected names with what they mean, found an empty file; write one, or copy conf/"
        )
    return replace(_node(origin, root), text=text)
