"""Takes PageRendered, PagesRendered, ListingsRendered, ArticlePublished, ArticleRemoved, MendPath; emits what follows.

That is ArticlePublished, ArticleAccepted, ArticleRemoved, ListingStale, PageRendered and MendPath.
"""
