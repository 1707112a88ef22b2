"""The live state: what a stream knows of every symbol, and what it makes of the next candles."""
