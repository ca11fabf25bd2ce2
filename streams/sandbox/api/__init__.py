"""The vendor's API over HTTP, by its OpenAPI file, and beside it the sandbox's own controls."""
