"""Registered columns of a bar: what they are called and how they are computed.

`columns/` holds one module a group; `registry` knows them all; `kernel` computes them.
"""
