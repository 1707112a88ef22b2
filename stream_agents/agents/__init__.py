"""The agents, each named by what it does."""
