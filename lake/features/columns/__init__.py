"""Declarations of columns, one module a group.

To add a column of your own, add a module here with a tuple `INDICATORS`; nothing else changes.
"""
