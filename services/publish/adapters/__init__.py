"""Edges, each in its vendor's words."""
