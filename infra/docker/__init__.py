"""How the line runs as containers: one image, the store's start, the health check."""
