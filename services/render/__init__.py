"""Consumes ArticlesEnriched and ListingsStale; emits PagesRendered and ListingsRendered.

It emits ArticlesAccepted for an article whose enriched object is missing.
"""
