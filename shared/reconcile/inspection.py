"""A close look at one suspect: what is wrong with it now, in words. A few calls of the store each."""

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
    """Yield what is wrong with an article: it is behind, or one of its pages or pictures is not as it was put."""
    record, _ = read_record(deps.content, site.id, article)
    event = event_of(article, site, deps)
    if event is not None:
        what = (
            "is not in the index"
            if event.kind is ArticlesPublished
            else "should be seen"
            if event.kind is ArticlesAccepted
            else "takes it down"
        )
        yield Drift(DriftKind.STALE, record.path or "", f"revision {event.revision} {what}", article)
        return  # what is there is about to change
    for path, page in record.pages.items():
        yield from _look_at_page(path, page, record, deps)
    for path in record.claimed:
        head = deps.public.find_head(path) if path not in record.pages else None
        if head is not None and head.metadata.get("article") == article:
            yield Drift(DriftKind.STALE, path, "is the article's, and nothing is recorded of what is there", article)
    yield from _look_at_pictures(record, site, deps)


def event_of(article: str, site: Site, deps: ReconcileDeps) -> ArticleEvent | None:
    """Return what has to be said of an article that is behind; an index that is being made again is no reason."""
    event = find_event(site, article, deps.clock(), content=deps.content, revisions=deps.revisions, index=deps.index)
    if event is not None and event.kind is ArticlesPublished and deps.index.complete_until(site) is None:
        return None
    return event


def inspect_path(path: str, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    """Yield what is wrong with an object that no article's record names: a listing, a theme's file, or one too many."""
    if listing := listing_at(site, path):
        yield from _look_at_listing(listing, site, deps)
        return
    source = keys.source_of(site.id, path) if keys.is_asset(path) else None
    if source is not None and deps.content.find_head(source) is not None:
        yield from _look_at_file(path, source, "", deps)
        return
    head = deps.public.find_head(path)
    if head is None or (keys.is_picture(path) and head.metadata.get("status") == str(HTTPStatus.GONE.value)):
        return
    if not is_ours(head):
        yield Drift(DriftKind.FOREIGN, path, "bears none of our metadata: somebody else put it")
        return
    article = head.metadata.get("article", "")
    if not is_claimed(path, article, deps):
        whose = f"article {article} does not claim it" if article else "no listing, theme or live article needs it"
        yield Drift(DriftKind.EXTRA, path, whose)


def listings_of(site: Site, deps: ReconcileDeps) -> Iterator[Listing]:
    """Yield the listings that a site should have, as far as the index knows."""
    always, index = permanent_listings(site), deps.index
    yield from always.values()
    for name in {*index.published_versions(site), *index.stale(site)} - set(always):
        other = find_listing(site, name)
        if other is not None:
            yield other


def _look_at_listing(listing: Listing, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    """Yield what is wrong with a listing's bytes; what it should show only a whole index can tell."""
    name, index = listing.name, deps.index
    is_behind = name in index.stale_versions(site, [name]) and index.complete_until(site) is not None
    found = deps.public.find(listing.path)
    if found is None and (name in permanent_listings(site) or name in index.published_versions(site, [name])):
        yield Drift(DriftKind.MISSING, listing.path, f"listing {name} is not there")
    elif found is not None and _digest(found) != found.head.metadata.get("sha256"):
        yield Drift(DriftKind.WRONG, listing.path, f"listing {name} has not the bytes that were put")
    elif is_behind:
        yield Drift(DriftKind.STALE, listing.path, f"listing {name} shows less than the index knows")


def _look_at_page(path: str, page: PageRecord, record: LiveRecord, deps: ReconcileDeps) -> Iterator[Drift]:
    """Compare a path with the article's record; the object's own metadata says which bytes should be there."""
    head = deps.public.find_head(path)
    if head is None:
        yield Drift(DriftKind.MISSING, path, f"should answer {page.status}", record.article)
        return
    if (head.etag, head.metadata.get("sha256")) == (page.etag, page.sha256):
        return
    if not _is_as_recorded(head, page, record):
        yield Drift(DriftKind.WRONG, path, "is another page than the one recorded", record.article)
        return
    found = deps.public.find(path)  # rendered again since: the record's digest is a hint
    if found is not None and _digest(found) != found.head.metadata.get("sha256"):
        yield Drift(DriftKind.WRONG, path, "has not the bytes that were put", record.article)


def _is_as_recorded(head: ObjectHead, page: PageRecord, record: LiveRecord) -> bool:
    """Tell whether an object says of itself what the record says of its path: article, status, revision, location."""
    said = head.metadata
    is_ours = (said.get("article"), said.get("status")) == (record.article, str(page.status))
    if page.status == HTTPStatus.OK:
        return is_ours and said.get("order", "").partition("~")[0] == record.revision
    if page.status == HTTPStatus.MOVED_PERMANENTLY:
        return is_ours and said.get("location") == keys.url_path(record.path or "")
    return is_ours


def _look_at_pictures(record: LiveRecord, site: Site, deps: ReconcileDeps) -> Iterator[Drift]:
    for path in record.media if record.revision is not None else ():
        source = keys.source_of(site.id, path)
        if source is not None:
            yield from _look_at_file(path, source, record.article, deps)


def _look_at_file(path: str, source: str, article: str, deps: ReconcileDeps) -> Iterator[Drift]:
    """Compare a picture or a theme's file with the one that it was copied from."""
    public = deps.public.find_head(path)
    if public is None or public.metadata.get("status", "200") != str(HTTPStatus.OK.value):
        yield Drift(DriftKind.MISSING, path, "pages show it", article)
        return
    kept = deps.content.find_head(source)
    if kept is not None and kept.etag != public.etag and deps.public.get(path).body != deps.content.get(source).body:
        yield Drift(DriftKind.WRONG, path, "has not the bytes of what it was copied from", article)


def _digest(found: StoredObject) -> str:
    metadata = found.head.metadata
    return page_sha256(found.body, int(metadata.get("status", "200")), metadata.get("location", ""))
