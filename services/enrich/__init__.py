"""Takes ArticlesAccepted; emits ArticlesEnriched or ArticleRemoved."""
