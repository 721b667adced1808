"""Consumes PagesRendered, ListingsRendered, ArticlesPublished, ArticleRemoved and RepairPath.

It emits ArticlesAccepted, ArticlesEnriched, ListingsStale, ArticleRemoved and RepairPath.
"""
