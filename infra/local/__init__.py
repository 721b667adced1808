"""The embedded stack: every server and service as a process of its own, with no Docker, no root and no apt."""
