"""The embedded stack: every server and service is its own process, without Docker, root or apt."""
