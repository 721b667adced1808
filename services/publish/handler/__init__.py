"""Publishing: a rendered page, an article that is live, an article that is taken down.

Each handler takes one message and its ports (`Publisher`), and returns the messages that follow.
"""

from services.publish.handler.article import publish_article
from services.publish.handler.keep import keep_records
from services.publish.handler.listing import enter_listings, publish_listing, publish_listings
from services.publish.handler.mend import mend_path
from services.publish.handler.publisher import Publisher
from services.publish.handler.rebuild import clear_away, publish_pages
from services.publish.handler.removal import remove_article
from shared.messages import Message, PageRendered

__all__ = [
    "Publisher",
    "clear_away",
    "enter_listings",
    "keep_records",
    "mend_path",
    "publish_listings",
    "publish_page",
    "publish_pages",
    "remove_article",
]


def publish_page(message: PageRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put one page before readers, an article's or a listing's."""
    if message.listing is not None:
        return publish_listing(message, publisher)
    return publish_article(message, publisher)
