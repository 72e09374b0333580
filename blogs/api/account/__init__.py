"""What a site has besides its blogs: its credits and its API keys."""
