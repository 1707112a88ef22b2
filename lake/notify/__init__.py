"""Notifications: which alerts go to whom, when, and what became of each."""
