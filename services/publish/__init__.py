"""Takes PageRendered, ArticlePublished and ArticleRemoved; emits ArticlePublished and ListingStale."""
