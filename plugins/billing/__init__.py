"""What a request costs: plugins that price usage."""
