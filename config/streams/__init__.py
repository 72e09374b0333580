"""The process of live events: uvicorn, whose event loop holds hundreds of open streams, and one application."""
