"""Takes ArticleEnriched and ListingStale; emits PageRendered."""
