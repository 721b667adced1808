"""Adapters of ingest: readers of formats, pictures with Pillow, and waiting on Redis."""
