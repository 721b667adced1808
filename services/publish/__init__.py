"""Takes PagesRendered, ListingsRendered, ArticlesPublished, ArticleRemoved and RepairPath.

It emits what follows: ArticlesAccepted, ArticlesEnriched, ListingsStale, ArticleRemoved, RepairPath.
"""
