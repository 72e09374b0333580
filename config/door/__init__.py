"""What each request passes before any view: who may read the answers, and what is refused because it would only fail later."""
