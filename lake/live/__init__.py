"""The live state: what a stream knows of every symbol, and what it makes of the next candles.

`market` takes a message's candles; `suspicion` judges them one by one; the aggregators of
`lake.market` make longer bars; a `watch` for each timeframe evaluates what has closed, all symbols
together, with the rules and the detection of batch. `restore` rebuilds all of it from the lake.
"""
