"""Which channel serves a request: plugins that order candidates."""
