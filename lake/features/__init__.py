"""Registered columns of a bar: what they are called and how they are computed."""
