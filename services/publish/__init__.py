"""Takes PageRendered, PagesRendered, ListingsRendered, ArticlePublished, ArticleRemoved, MendPath, KeepRecords.

It emits what follows: ArticlePublished, ArticleAccepted, ArticleRemoved, ListingStale, PageRendered and MendPath.
"""
