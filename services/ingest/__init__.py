"""Consumes SubmitArticles, POST /v1/articles and /v1/batches; emits ArticlesAccepted and ArticleRemoved."""
