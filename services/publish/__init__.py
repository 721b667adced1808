"""Takes PageRendered, ArticlePublished, ArticleRemoved; emits ArticlePublished, ListingStale, ArticleAccepted."""
