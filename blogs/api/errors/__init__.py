"""What is said when a request is refused: each code, the problem (RFC 9457) that an error becomes, and a page about each."""
