"""What differs between two manifests, so that a changed training set can be explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OWN = ("training_set_id", "content_hash", "built_at")
"""Parts that follow from the others, or say nothing about the rows."""


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the differing values of two manifests by dotted name, each as [in a, in b].

    A name that only one of them has stands with None on the other side.
    """
    first, second = dict(_flat(a)), dict(_flat(b))
    return {
        name: [first.get(name), second.get(name)]
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name) and name not in _OWN
    }


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, part in value.items():
        if isinstance(part, Mapping) and part:
            found += _flat(part, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", part))
    return found
