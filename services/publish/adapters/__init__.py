"""Adapters of the edge: Varnish, the vendors, none, and a dry run."""
