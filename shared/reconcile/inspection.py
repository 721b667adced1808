"""The inspection of one suspect: its drift now, with the reason in plain words. Costs a few calls of the store."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from shared.messaging.messages import ArticlesAccepted, ArticlesPublished
from shared.model.live_record import LiveRecord, PageRecord, page_sha256, read_record
from shared.reconcile import Drift, DriftKind, ReconcileDeps
from shared.reconcile.drift import ArticleEvent, find_event
from shared.reconcile.ownership import is_claimed, is_ours
from shared.site import keys
from shared.site.listings import Listing, find_listing, listing_at, permanent_listings
from shared.site.sites import Site
from shared.storage import ObjectHead, StoredObject


def inspect_article(article: str, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    """Yield the drift of an article: its record is out of date, or a page or picture differs from the record."""
    record, _ = read_record(deps.content, site.id, article)
    event = find_article_event(article, site, deps)
    if event is not None:
        problem = (
            "is not in the index"
            if event.kind is ArticlesPublished
            else "should be live"
            if event.kind is ArticlesAccepted
            else "should have removed the article"
        )
        yield Drift(DriftKind.STALE, record.path or "", f"revision {event.revision} {problem}", article)
        return  # the event will change its pages
    for path, page in record.pages.items():
        yield from _inspect_page(path, page, record, deps)
    for path in record.claimed:
        head = deps.public.find_head(path) if path not in record.pages else None
        if head is not None and head.metadata.get("article") == article:
            yield Drift(DriftKind.STALE, path, "belongs to the article, but its record has no such page", article)
    yield from _inspect_pictures(record, site, deps)


def find_article_event(article: str, site: Site, deps: ReconcileDeps) -> ArticleEvent | None:
    """Return the event that an article needs; a missing entry in an incomplete index is no reason for one."""
    event = find_event(site, article, deps.clock(), content=deps.content, revisions=deps.revisions, index=deps.index)
    if event is not None and event.kind is ArticlesPublished and deps.index.complete_until(site) is None:
        return None
    return event


def inspect_path(path: str, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    """Yield the drift of an object that no article's record names: a listing, a theme file or an extra object."""
    if listing := listing_at(site, path):
        yield from _inspect_listing(listing, site, deps)
        return
    source = keys.source_of(site.id, path) if keys.is_asset(path) else None
    if source is not None and deps.content.find_head(source) is not None:
        yield from _inspect_file(path, source, "", deps)
        return
    head = deps.public.find_head(path)
    if head is None or (keys.is_picture(path) and head.metadata.get("status") == str(HTTPStatus.GONE.value)):
        return
    if not is_ours(head):
        yield Drift(DriftKind.FOREIGN, path, "has none of Pressline's metadata: another program put it")
        return
    article = head.metadata.get("article", "")
    if not is_claimed(path, article, deps):
        reason = f"article {article} does not claim it" if article else "no listing, theme or live article needs it"
        yield Drift(DriftKind.EXTRA, path, reason)


def listings_of(site: Site, deps: ReconcileDeps) -> Iterator[Listing]:
    """Yield the listings that a site should have: the permanent ones, and those in the index."""
    permanent, index = permanent_listings(site), deps.index
    yield from permanent.values()
    for name in {*index.published_versions(site), *index.stale_listings(site)} - set(permanent):
        listing = find_listing(site, name)
        if listing is not None:
            yield listing


def _inspect_listing(listing: Listing, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    """Yield the drift of a listing; only a complete index tells whether it is stale."""
    name, index = listing.name, deps.index
    is_stale = name in index.stale_versions(site, [name]) and index.complete_until(site) is not None
    found = deps.public.find(listing.path)
    if found is None and (name in permanent_listings(site) or name in index.published_versions(site, [name])):
        yield Drift(DriftKind.MISSING, listing.path, f"listing {name} is missing")
    elif found is not None and _digest(found) != found.head.metadata.get("sha256"):
        yield Drift(DriftKind.WRONG, listing.path, f"listing {name} has other bytes than were put")
    elif is_stale:
        yield Drift(DriftKind.STALE, listing.path, f"listing {name} is stale: the index has a newer state")


def _inspect_page(path: str, page: PageRecord, record: LiveRecord, deps: ReconcileDeps) -> Iterator[Drift]:
    """Compare a path with the article's record; the object's own metadata has the digest of its bytes."""
    head = deps.public.find_head(path)
    if head is None:
        yield Drift(DriftKind.MISSING, path, f"should answer {page.status}", record.article)
        return
    if (head.etag, head.metadata.get("sha256")) == (page.etag, page.sha256):
        return
    if not _is_as_recorded(head, page, record):
        yield Drift(DriftKind.WRONG, path, "is another page than the record says", record.article)
        return
    found = deps.public.find(path)  # rendered again later: the digest in the record is a hint
    if found is not None and _digest(found) != found.head.metadata.get("sha256"):
        yield Drift(DriftKind.WRONG, path, "has other bytes than were put", record.article)


def _is_as_recorded(head: ObjectHead, page: PageRecord, record: LiveRecord) -> bool:
    """Tell whether an object's metadata agrees with the record: article, status, revision, location."""
    metadata = head.metadata
    is_match = (metadata.get("article"), metadata.get("status")) == (record.article, str(page.status))
    if page.status == HTTPStatus.OK:
        return is_match and metadata.get("order", "").partition("~")[0] == record.revision
    if page.status == HTTPStatus.MOVED_PERMANENTLY:
        return is_match and metadata.get("location") == keys.url_path(record.path or "")
    return is_match


def _inspect_pictures(record: LiveRecord, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    for path in record.media if record.revision is not None else ():
        source = keys.source_of(site.id, path)
        if source is not None:
            yield from _inspect_file(path, source, record.article, deps)


def _inspect_file(path: str, source: str, article: str, deps: ReconcileDeps) -> Iterator[Drift]:
    """Compare a picture or a theme file with its source in the content bucket."""
    public = deps.public.find_head(path)
    if public is None or public.metadata.get("status", "200") != str(HTTPStatus.OK.value):
        yield Drift(DriftKind.MISSING, path, "is missing, and pages show it", article)
        return
    original = deps.content.find_head(source)
    if original is None or original.etag == public.etag:
        return
    if deps.public.get(path).body != deps.content.get(source).body:
        yield Drift(DriftKind.WRONG, path, "has other bytes than its source", article)


def _digest(found: StoredObject) -> str:
    metadata = found.head.metadata
    return page_sha256(found.body, int(metadata.get("status", "200")), metadata.get("location", ""))
