"""From nodes of a rule file to conditions: one text, or groups of all, any and not."""

from __future__ import annotations

from lake.rules.conditions import All, Any, Condition, Not, asked_of, values_of
from lake.rules.document import Node
from lake.rules.expressions import WINDOWS, Refused, Scope, in_window, parse_condition

DEEPEST = 20
"""How deep groups of conditions may nest."""


def condition_of(node: Node, scope: Scope) -> Condition:
    """Return the condition that a node means.

    Raises:
        BadConfiguration: it is none, or reads no bar value and no column.
    """
    condition = _parsed(node, scope, DEEPEST)
    if not any(True for read in (values_of, asked_of) for _ in read(condition)):
        raise node.refusal("a condition on a bar value or a column", f"`{condition}`")
    return condition


def _parsed(node: Node, scope: Scope, depth: int) -> Condition:
    if depth == 0:
        raise node.refusal(
            f"at most {DEEPEST} groups inside one another", "more; name a part of it as a rule of its own"
        )
    if node.is_mapping:
        return _group(node, scope, depth)
    if not node.is_scalar:
        raise node.refusal("a condition", "a list; put it under `all:` or `any:`")
    try:
        return parse_condition(node.scalar("a condition"), scope)
    except Refused as refused:
        raise node.refusal(refused.expected, refused.found) from None


def _group(node: Node, scope: Scope, depth: int) -> Condition:
    fields = node.fields((), ("all", "any", "not", *WINDOWS), "a condition")
    kinds = [kind for kind in ("all", "any", "not") if kind in fields]
    windows = [word for word in WINDOWS if word in fields]
    if len(kinds) != 1 or len(windows) > 1:
        raise node.refusal(
            f"one of all, any, not, with at most one of {', '.join(WINDOWS)}",
            ", ".join(fields) + "; nest them instead",
        )
    condition = _kind(kinds[0], fields[kinds[0]], scope, depth - 1)
    for word in windows:
        try:
            condition = in_window(condition, word, fields[word].scalar("a number of bars or a timeframe"))
        except Refused as refused:
            raise fields[word].refusal(refused.expected, refused.found) from None
    return condition


def _kind(kind: str, node: Node, scope: Scope, depth: int) -> Condition:
    if kind == "not":
        return Not(_parsed(node, scope, depth))
    group: type[All] | type[Any] = All if kind == "all" else Any
    parts: list[Condition] = []
    for item in node.items(f"a list of conditions under {kind}"):
        part = _parsed(item, scope, depth)
        # An all inside an all says nothing new, so it shall not make another version either.
        parts += part.parts if isinstance(part, group) else (part,)
    return parts[0] if len(parts) == 1 else group(tuple(parts))
