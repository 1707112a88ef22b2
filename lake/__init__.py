"""Bars, features, rules and results of the Stock Alert Lakehouse, defined once."""

__version__ = "0.1.0"
