"""Takes ArticlesAccepted; emits ArticlesEnriched, ArticleRemoved, or ArticlesAccepted for the rest of a batch."""
