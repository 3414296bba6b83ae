"""Who is asking: plugins that recognise api keys."""
