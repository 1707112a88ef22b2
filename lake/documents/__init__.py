"""Publication of the lake's results to MongoDB."""
