"""Alerts: what they are, when rules raise them, and how they are kept."""
