"""HTTP: the receiver of webhooks, the read API, health and metrics."""
