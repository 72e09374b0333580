"""What a site has besides its blogs: its credits, its API keys, its profile."""
