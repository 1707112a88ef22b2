"""The served catalog: the gold views as tables of small files that dashboards read."""
