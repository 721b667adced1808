"""Pictures: public just before the first page that shows them, gone with the last article that does."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from services.publish.domain.pages import GONE_BODY, gone_file
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.bundles import Attachment
from shared.live import read_record
from shared.sites import Site

log = structlog.get_logger()


def take_down_pictures(
    pictures: Iterable[Attachment], article: str, site: Site, publisher: Publisher
) -> tuple[str, ...]:
    """Put 410 at every picture of an article that no article shows any more and purge it hard; return their paths.

    An article announces a picture before it looks whether that is public (`Publisher.announce`), so who takes it down
    and looks again afterwards misses nobody.
    """
    gone = []
    for picture in pictures:
        _forget(picture, article, site, publisher)
        if _is_shown(picture, site, publisher):
            continue
        page = gone_file(picture.path, body=GONE_BODY)
        publisher.public.put(
            page.path,
            page.body,
            content_type=page.content_type,
            cache_control=page.cache_control,
            metadata=page.metadata,
        )
        publisher.edge.purge([keys.path_surrogate_key(picture.path)])
        if _is_shown(picture, site, publisher):
            publisher.copy_out([picture])
            continue
        gone.append(picture.path)
        log.info("picture.removed", path=picture.path)
    return tuple(gone)


def _forget(picture: Attachment, article: str, site: Site, publisher: Publisher) -> None:
    """Take away the marker of an article that shows the picture no more; back with it where it does so again."""
    marker = keys.shown_by_key(picture.source_key, article)
    publisher.content.delete(marker)
    if picture.path in read_record(publisher.content, site.id, article)[0].media:
        publisher.content.put(marker, b"", content_type="text/plain")


def _is_shown(picture: Attachment, site: Site, publisher: Publisher) -> bool:
    """Tell whether any article shows the picture, also one that was taken down a moment ago and restored."""
    prefix = keys.shown_by_prefix(picture.source_key)
    articles = (key.removeprefix(prefix) for key in publisher.content.list_keys(prefix))
    return any(picture.path in read_record(publisher.content, site.id, each)[0].media for each in articles)
