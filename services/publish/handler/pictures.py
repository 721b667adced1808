"""Pictures: public just before the first page that shows them, 410 once no article shows them."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from services.publish.domain.pages import GONE_BODY, gone_picture
from services.publish.handler.deps import PublishDeps
from shared.model.attachment import Attachment
from shared.model.live_record import read_record
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()


def take_down_pictures(pictures: Iterable[Attachment], article: str, site: Site, deps: PublishDeps) -> tuple[str, ...]:
    """Put 410 at each picture that no article shows any more, and purge it hard; return the paths of these pictures.

    A publisher registers the use of a picture before it checks whether the picture is public. So a removal that checks
    again after its PUT misses no such publisher.
    """
    gone = []
    for picture in pictures:
        _delete_use(picture, article, site, deps)
        if _is_shown(picture, site, deps):
            continue
        page = gone_picture(picture.path, body=GONE_BODY)
        deps.public.put(
            page.path,
            page.body,
            content_type=page.content_type,
            cache_control=page.cache_control,
            metadata=page.metadata,
        )
        deps.edge.purge([keys.path_surrogate_key(picture.path)])
        if _is_shown(picture, site, deps):
            deps.publish_attachments([picture])
            continue
        gone.append(picture.path)
        log.info("picture.removed", path=picture.path)
    return tuple(gone)


def _delete_use(picture: Attachment, article: str, site: Site, deps: PublishDeps) -> None:
    """Delete the article's use marker of a picture; put it back if the record shows the picture again."""
    marker = keys.used_by_key(picture.source_key, article)
    deps.content.delete(marker)
    if picture.path in read_record(deps.content, site.id, article)[0].media:
        deps.content.put(marker, b"", content_type="text/plain")


def _is_shown(picture: Attachment, site: Site, deps: PublishDeps) -> bool:
    """Tell whether any article's record shows the picture, a restored article included."""
    prefix = keys.used_by_prefix(picture.source_key)
    articles = (key.removeprefix(prefix) for key in deps.content.list_keys(prefix))
    return any(picture.path in read_record(deps.content, site.id, each)[0].media for each in articles)
