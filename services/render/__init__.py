"""Takes ArticleEnriched, ListingStale, ListingsStale, RebuildPages; emits PageRendered and what many make of it.

That is ListingsRendered and PagesRendered; and what goes on alone: ListingStale, ArticleAccepted.
"""
