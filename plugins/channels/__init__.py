"""Where answers come from: plugins that speak to upstreams."""
