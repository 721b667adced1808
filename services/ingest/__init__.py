"""Takes SubmitArticle and POST /v1/articles; emits ArticleAccepted and ArticleRemoved."""
