"""Adapters of the theme port."""
