"""The API's description in OpenAPI 3.1: what each view says of itself by `documented`, and what all have in common."""
