"""Readers of formats, and the libraries that look at pictures."""
