"""Repairs one path of the public bucket: inspects it again, then restores, re-renders or removes its object."""

from __future__ import annotations

from http import HTTPStatus

import structlog

from services.publish.domain import live_state
from services.publish.domain.pages import GONE_BODY, gone_picture
from services.publish.handler.deps import PublishDeps
from shared.messaging.handling import Result
from shared.messaging.messages import ArticleRemoved, ArticleRevision, ArticlesAccepted, Message, RepairPath, follow_up
from shared.model.attachment import Attachment
from shared.model.live_record import page_sha256, read_record
from shared.reconcile.ownership import is_claimed, is_ours
from shared.runtime.errors import PreconditionFailedError
from shared.site import keys
from shared.site.listings import Listing, listing_at
from shared.site.sites import Site
from shared.storage import ObjectHead

log = structlog.get_logger()


def repair_path(message: RepairPath, deps: PublishDeps) -> Result:
    """Restore the object that belongs at a path; remove an unclaimed object of ours; skip foreign objects."""
    return Result(_repair(message, deps))


def _repair(message: RepairPath, deps: PublishDeps) -> tuple[Message, ...]:
    site, path = deps.site(message.site), message.path
    if listing := listing_at(site, path):
        return _repair_listing(listing, message, site, deps)
    source = keys.source_of(site.id, path)
    if source is not None and _restore_file(source, message, site, deps):
        return ()
    head = deps.public.find_head(path)
    article = message.article or (head.metadata.get("article", "") if head else "")
    if article and path in read_record(deps.content, site.id, article)[0].claimed:
        return _repair_page(article, head, message, site, deps)
    if head is None or not is_ours(head) or is_claimed(path, article, deps):
        log.info("path.skipped", path=path)
        return ()
    return _remove_object(head, article, message, deps)


def _repair_listing(listing: Listing, message: RepairPath, site: Site, deps: PublishDeps) -> tuple[Message, ...]:
    """Mark a listing stale; if its bytes differ from its digest, remove the digest, so that the next PUT happens."""
    found = deps.public.find(listing.path)
    if found is not None and (
        page_sha256(found.body, int(found.head.metadata.get("status", "200"))) != found.head.metadata.get("sha256")
        or "article" in found.head.metadata
    ):
        wrong = {"sha256", "article", "order"}
        metadata = {name: value for name, value in found.head.metadata.items() if name not in wrong}
        try:
            deps.public.put(
                listing.path,
                found.body,
                content_type=found.head.content_type,
                cache_control=listing.definition.cache_control,
                metadata=metadata,
                if_etag=found.etag,
            )
        except PreconditionFailedError:
            log.info("listing.published_meanwhile", listing=listing.name)
    deps.index.mark_stale(site, listing.name)
    log.info("listing.marked_stale", listing=listing.name)
    return deps.stale_pages(message, site, [listing.name])


def _restore_file(source: str, message: RepairPath, site: Site, deps: PublishDeps) -> bool:
    """Copy a theme's file or a shown picture from the content bucket; return False if nothing uses it."""
    source_object = deps.content.find(source)
    if source_object is None or not _is_shown(message, site, deps):
        return False
    found = deps.public.find(message.path)
    is_ok = found is not None and found.head.metadata.get("status", "200") == str(HTTPStatus.OK.value)
    if found is None or not is_ok or found.body != source_object.body:
        is_asset = keys.is_asset(message.path)
        file = Attachment(
            source_key=source, path=message.path, content_type=source_object.head.content_type, is_immutable=is_asset
        )
        deps.put_attachment(file)
        if not _is_shown(message, site, deps):  # its article was taken down meanwhile
            return False
    return True


def _is_shown(message: RepairPath, site: Site, deps: PublishDeps) -> bool:
    if keys.is_asset(message.path):
        return True
    record, _ = read_record(deps.content, site.id, message.article or "")
    return record.revision is not None and message.path in record.media


def _repair_page(
    article: str, head: ObjectHead | None, message: RepairPath, site: Site, deps: PublishDeps
) -> tuple[Message, ...]:
    """Record the object that really is at an article's path; return the message that publishes or removes it again."""
    record, _ = deps.records.find(site.id, article)
    page = record.pages.get(message.path)
    if page and head and (head.etag, head.metadata.get("sha256")) == (page.etag, page.sha256):
        return ()
    deps.records.change(
        site.id,
        article,
        lambda current: (
            live_state.apply_found_object(current, message.path, head.etag if head else None)
            if current.pages.get(message.path) == page
            else None  # published meanwhile
        ),
    )
    log.info("page.distrusted", path=message.path, is_missing=head is None)
    named = {"site": site.id, "article": article}
    if record.removed_by and record.revision is None:
        return (ArticleRemoved(**follow_up(message, "again"), **named, revision=record.removed_by),)
    revision = record.revision or record.claimed_by
    articles = (ArticleRevision(article=article, revision=revision),)
    return (ArticlesAccepted(**follow_up(message, "again"), site=site.id, articles=articles),)


def _remove_object(head: ObjectHead, article: str, message: RepairPath, deps: PublishDeps) -> tuple[Message, ...]:
    """Remove an unclaimed object and purge it hard; return a repair of the path if an article claimed it meanwhile."""
    path = head.key
    if keys.is_picture(path):
        page = gone_picture(path, body=GONE_BODY)
        deps.public.put(
            path, page.body, content_type=page.content_type, cache_control=page.cache_control, metadata=page.metadata
        )
        deps.edge.purge([keys.path_surrogate_key(path)])
    else:
        deps.delete_path(head)
    deps.known_assets.discard(path)
    log.warning("path.removed", path=path, article=article, size_bytes=head.size_bytes)
    if is_claimed(path, article, deps):
        return (RepairPath(**follow_up(message, "claimed"), site=message.site, path=path, article=article or None),)
    return ()
