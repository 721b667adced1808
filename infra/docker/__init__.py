"""Containers: one image for all services, the start of the store, the health check."""
