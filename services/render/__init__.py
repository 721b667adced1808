"""Takes ArticleEnriched, ListingStale, ListingsStale, RebuildPages, KeepTexts; emits PageRendered and what many make.

That is ListingsRendered and PagesRendered; and what goes on alone: ListingStale, ArticleAccepted; of texts KeepRecords.
"""
