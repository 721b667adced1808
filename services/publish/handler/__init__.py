"""Publishing: puts rendered pages, indexes live articles, takes articles down, repairs paths.

Each handler takes one message and its site's `PublishDeps`, and returns a `Result`.
"""

from services.publish.handler.deps import PublishDeps
from services.publish.handler.indexing import index_articles
from services.publish.handler.listing import publish_listings
from services.publish.handler.pages import publish_pages
from services.publish.handler.removal import remove_article
from services.publish.handler.repair import repair_path
from shared.messaging.handling import Handlers
from shared.messaging.pipeline import INDEX_ARTICLES, PUBLISH_LISTINGS, PUBLISH_PAGES, REMOVE_ARTICLE, REPAIR_PATH

HANDLERS: Handlers = {
    PUBLISH_PAGES: publish_pages,
    INDEX_ARTICLES: index_articles,
    REMOVE_ARTICLE: remove_article,
    PUBLISH_LISTINGS: publish_listings,
    REPAIR_PATH: repair_path,
}

__all__ = ["HANDLERS", "PublishDeps"]
