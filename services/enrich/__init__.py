"""Takes ArticleAccepted; emits ArticleEnriched."""
