"""The $10,000 sandbox: what a strategy's signals would have earned, fill by fill."""
