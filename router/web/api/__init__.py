"""The read API under `/api/v1`."""
