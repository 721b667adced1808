"""Takes ArticleAccepted; emits ArticleEnriched, or ArticleRemoved."""
