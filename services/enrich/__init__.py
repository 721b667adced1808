"""Consumes ArticlesAccepted; emits ArticlesEnriched or ArticleRemoved."""
