"""One path of the public bucket that is not as it should be: looked at anew, and repaired, renewed or removed."""

from __future__ import annotations

from http import HTTPStatus

import structlog

from services.publish.domain import live_state
from services.publish.domain.pages import GONE_BODY, gone_file
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
    """Have what should be at a path put there again; remove what we put and nobody claims; leave what others put."""
    return Result(_repair(message, deps))


def _repair(message: RepairPath, deps: PublishDeps) -> tuple[Message, ...]:
    site, path = deps.site(message.site), message.path
    if listing := listing_at(site, path):
        return _renew_listing(listing, message, site, deps)
    source = keys.source_of(site.id, path)
    if source is not None and _put_file_back(source, message, site, deps):
        return ()
    head = deps.public.find_head(path)
    article = message.article or (head.metadata.get("article", "") if head else "")
    if article and path in read_record(deps.content, site.id, article)[0].claimed:
        return _renew_page(article, head, message, site, deps)
    if head is None or not is_ours(head) or is_claimed(path, article, deps):
        log.info("path.spared", path=path)
        return ()
    return _remove(head, article, message, deps)


def _renew_listing(listing: Listing, message: RepairPath, site: Site, deps: PublishDeps) -> tuple[Message, ...]:
    """Make a listing stale; bytes that are not what their digest says must not pass for those of the next rendering."""
    found = deps.public.find(listing.path)
    if found is not None and (
        page_sha256(found.body, int(found.head.metadata.get("status", "200"))) != found.head.metadata.get("sha256")
        or "article" in found.head.metadata
    ):
        wrong = {"sha256", "article", "order"}
        kept = {name: value for name, value in found.head.metadata.items() if name not in wrong}
        try:
            deps.public.put(
                listing.path,
                found.body,
                content_type=found.head.content_type,
                cache_control=listing.of_kind.cache_control,
                metadata=kept,
                if_etag=found.etag,
            )
        except PreconditionFailedError:
            log.info("listing.renewed_meanwhile", listing=listing.name)
    deps.index.mark_stale(site, listing.name)
    log.info("listing.doubted", listing=listing.name)
    return deps.stale_pages(message, site, [listing.name])


def _put_file_back(source: str, message: RepairPath, site: Site, deps: PublishDeps) -> bool:
    """Copy a theme's file, or a picture that an article shows, out of the content bucket; tell whether it is needed."""
    kept = deps.content.find(source)
    if kept is None or not _is_shown(message, site, deps):
        return False
    there = deps.public.find(message.path)
    is_open = there is not None and there.head.metadata.get("status", "200") == str(HTTPStatus.OK.value)
    if there is None or not is_open or there.body != kept.body:
        is_asset = keys.is_asset(message.path)
        file = Attachment(
            source_key=source, path=message.path, content_type=kept.head.content_type, is_immutable=is_asset
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


def _renew_page(
    article: str, head: ObjectHead | None, message: RepairPath, site: Site, deps: PublishDeps
) -> tuple[Message, ...]:
    """Record what really is at an article's path, so that its next publication relies on that, and ask for one."""
    record, _ = deps.records.find(site.id, article)
    page = record.pages.get(message.path)
    if page and head and (head.etag, head.metadata.get("sha256")) == (page.etag, page.sha256):
        return ()
    deps.records.change(
        site.id,
        article,
        lambda now: (
            live_state.found_there(now, message.path, head.etag if head else None)
            if now.pages.get(message.path) == page
            else None  # published meanwhile
        ),
    )
    log.info("page.doubted", path=message.path, is_missing=head is None)
    named = {"site": site.id, "article": article}
    if record.removed_by and record.revision is None:
        return (ArticleRemoved(**follow_up(message, "again"), **named, revision=record.removed_by),)
    revision = record.revision or record.claimed_by
    articles = (ArticleRevision(article=article, revision=revision),)
    return (ArticlesAccepted(**follow_up(message, "again"), site=site.id, articles=articles),)


def _remove(head: ObjectHead, article: str, message: RepairPath, deps: PublishDeps) -> tuple[Message, ...]:
    """Remove what nobody claims, purge it hard, and look again: whoever claimed it meanwhile gets it back."""
    path = head.key
    if keys.is_picture(path):
        page = gone_file(path, body=GONE_BODY)
        deps.public.put(
            path, page.body, content_type=page.content_type, cache_control=page.cache_control, metadata=page.metadata
        )
        deps.edge.purge([keys.path_surrogate_key(path)])
    else:
        deps.delete_path(head)
    deps.known_assets.discard(path)
    log.warning("path.removed", path=path, article=article, size_bytes=head.size_bytes)
    if is_claimed(path, article, deps):
        again = RepairPath(**follow_up(message, "claimed"), site=message.site, path=path, article=article or None)
        return (again,)
    return ()
