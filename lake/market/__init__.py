"""What a bar is: symbols, timeframes, sessions, adjustment, quality."""
