"""Finds the provenance of a page, and the reasons why it is stale.

Everything comes from the two buckets, the index, the queues and the quarantine; the object's metadata has its
provenance.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from services.ingest.domain.reasons import Provenance, Reasons
from shared.index import Index
from shared.index.stale_pages import page_subject
from shared.messaging.messages import ArticleRemoved, ArticlesAccepted
from shared.model.history import Revisions
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord, read_record
from shared.reconcile.drift import find_event
from shared.runtime.backlog import Backlog
from shared.runtime.quarantine import Quarantine
from shared.site import keys
from shared.site.listings import Listing, article_page, find_article, listing_at
from shared.site.sites import Site
from shared.storage import ObjectHead, ObjectStorage


@dataclass(frozen=True, slots=True)
class Inspection:
    """The sources of an explanation."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    quarantine: Quarantine
    backlog: Backlog
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]


def explain(url: str, site: Site, inspection: Inspection) -> Reasons:
    """Return the provenance of the page at an address (a URL of the site, or its path), and why it is stale."""
    path = path_of(url)
    head = inspection.public.find_head(path)
    listing = listing_at(site, path)
    article = head.metadata.get("article", "") if head else ""
    common = {
        "url": site.base_url + keys.url_path(path),
        "path": path,
        "status": int(head.metadata.get("status", "200")) if head else HTTPStatus.NOT_FOUND.value,
        "location": head.metadata.get("location") if head else None,
        "made": _provenance(head) if head else None,
    }
    if listing is not None:
        reasons = list(_reasons_of_listing(listing, head, site, inspection))
        return Reasons(**common, kind="listing", listing=listing.name, is_current=not reasons, waits_for=reasons)
    if article:
        record, _ = read_record(inspection.content, site.id, article)
        reasons = list(_reasons_of_article(article, record, site, inspection))
        return Reasons(
            **common,
            kind="article",
            article=article,
            revision=record.revision,
            shows=sorted(record.shows),
            is_current=not reasons,
            waits_for=reasons,
        )
    return Reasons(**common, kind="file" if head else "nothing of ours", is_current=True)


def path_of(url: str) -> str:
    """Return the key in the public bucket for an address; host and query are ignored.

    The address may be percent-encoded, as in pages, or typed in any Unicode normalisation form.
    """
    path = unicodedata.normalize("NFC", unquote(urlsplit(url).path)).lstrip("/")
    is_folder = not path or path.endswith("/") or "." not in path.rpartition("/")[2]
    return f"{path.rstrip('/')}/{keys.INDEX_DOCUMENT}".lstrip("/") if is_folder else path


def _provenance(head: ObjectHead) -> Provenance:
    metadata = head.metadata
    return Provenance(
        by=metadata.get("made-by"),
        at=datetime.fromisoformat(metadata["made-at"]) if "made-at" in metadata else None,
        message=metadata.get("made-for"),
        inputs=metadata.get("inputs"),
        theme=metadata.get("theme"),
        order=metadata.get("order"),
        sha256=metadata.get("sha256"),
        etag=head.etag,
        size_bytes=head.size_bytes,
    )


def _reasons_of_listing(listing: Listing, head: ObjectHead | None, site: Site, inspection: Inspection) -> Iterator[str]:
    if inspection.index.complete_until(site) is None:
        yield "the index is being restored from the bucket; no listing is rendered until it is complete"
    yield from _reasons_of_page(listing.name, site, inspection)
    if head is None and listing.name in inspection.index.published_versions(site, [listing.name]):
        yield "the page was published and is missing; `pressline verify --repair` puts it back"


def _reasons_of_article(article: str, record: LiveRecord, site: Site, inspection: Inspection) -> Iterator[str]:
    event = find_event(
        site,
        article,
        inspection.clock(),
        content=inspection.content,
        revisions=inspection.revisions,
        index=inspection.index,
    )
    if event is not None:
        if inspection.quarantine.is_quarantined(site.id, article, event.revision):
            yield f"revision {event.revision} is a dead letter; see `pressline dead-letters list`"
        elif event.kind is ArticleRemoved:
            yield f"removal {event.revision} is not finished; it is processed{_queue_text(inspection)}"
        elif event.kind is ArticlesAccepted:
            live = record.revision or "none"
            yield f"revision {event.revision} is accepted, {live} is live; it is published{_queue_text(inspection)}"
        else:
            yield "the article is live and not yet in the index; its listings follow"
    yield from _reasons_of_page(article_page(article), site, inspection)


def _reasons_of_page(page: str, site: Site, inspection: Inspection) -> Iterator[str]:
    """Yield the reasons why a stale page is not rendered yet."""
    wanted_version = inspection.index.stale_versions(site, [page]).get(page)
    if wanted_version is None:
        return
    change = "a card on the page has changed" if find_article(page) else "the listing has changed"
    at = datetime.fromtimestamp(wanted_version / 1_000_000, tz=inspection.clock().tzinfo)
    yield f"{change}, last at {at.isoformat(timespec='seconds')}; the page is rendered again{_queue_text(inspection)}"
    if inspection.quarantine.is_quarantined(site.id, page_subject(page), wanted_version):
        yield "rendering the page failed: see `pressline dead-letters list`"


def _queue_text(inspection: Inspection) -> str:
    """Return the number of messages before it as a phrase: " after 3 messages …", or " shortly"."""
    waiting = {lane: inspection.backlog.waiting("render").get(lane, 0) for lane in Lane}
    total = sum(waiting.values())
    return f" after {total} messages that wait for render workers" if total else " shortly"
