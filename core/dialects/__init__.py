"""The wire formats customers and upstreams speak."""
