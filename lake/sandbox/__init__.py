"""The $10,000 strategy sandbox: fills, trades, equity, metrics."""
