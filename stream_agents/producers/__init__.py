"""Where candles come from: simulation and replay."""
