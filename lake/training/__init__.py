"""Training sets: tradeable labels, splits by time, sealed manifests."""
