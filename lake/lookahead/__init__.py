"""The lookahead gate: what is said of a bar must be the same when nothing after that bar is there.

`check` recomputes columns, levels, rules and longer bars on truncated histories, and names what differs.
"""
