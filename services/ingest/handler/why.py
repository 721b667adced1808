"""Why a page is as it is: what made it, and what stands between it and what it should be.

Everything is read from the two buckets and the index; nothing is remembered for the purpose but what the object says
of its making.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from services.ingest.domain.reasons import Making, Reasons
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
    """What is looked at."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    quarantine: Quarantine
    backlog: Backlog
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]


def explain(url: str, site: Site, inspection: Inspection) -> Reasons:
    """Return why what readers find at an address (a URL of the site, or its path) is as it is."""
    path = path_of(url)
    head = inspection.public.find_head(path)
    listing = listing_at(site, path)
    article = head.metadata.get("article", "") if head else ""
    common = {
        "url": site.base_url + keys.url_path(path),
        "path": path,
        "status": int(head.metadata.get("status", "200")) if head else HTTPStatus.NOT_FOUND.value,
        "location": head.metadata.get("location") if head else None,
        "made": _making(head) if head else None,
    }
    if listing is not None:
        waits = list(_waits_of_listing(listing, head, site, inspection))
        return Reasons(**common, kind="listing", listing=listing.name, is_current=not waits, waits_for=waits)
    if article:
        record, _ = read_record(inspection.content, site.id, article)
        waits = list(_waits_of_article(article, record, site, inspection))
        return Reasons(
            **common,
            kind="article",
            article=article,
            revision=record.revision,
            shows=sorted(record.shows),
            is_current=not waits,
            waits_for=waits,
        )
    return Reasons(**common, kind="file" if head else "nothing of ours", is_current=True)


def path_of(url: str) -> str:
    """Return the key of the public bucket that an address leads to: its host and query do not matter.

    The address may be percent-encoded, as pages write it, or typed in any Unicode form.
    """
    path = unicodedata.normalize("NFC", unquote(urlsplit(url).path)).lstrip("/")
    is_folder = not path or path.endswith("/") or "." not in path.rpartition("/")[2]
    return f"{path.rstrip('/')}/{keys.INDEX_DOCUMENT}".lstrip("/") if is_folder else path


def _making(head: ObjectHead) -> Making:
    said = head.metadata
    return Making(
        by=said.get("made-by"),
        at=datetime.fromisoformat(said["made-at"]) if "made-at" in said else None,
        message=said.get("made-for"),
        inputs=said.get("inputs"),
        theme=said.get("theme"),
        order=said.get("order"),
        sha256=said.get("sha256"),
        etag=head.etag,
        size_bytes=head.size_bytes,
    )


def _waits_of_listing(listing: Listing, head: ObjectHead | None, site: Site, inspection: Inspection) -> Iterator[str]:
    if inspection.index.complete_until(site) is None:
        yield "the index is being made again from the bucket; no listing is rendered until it is whole"
    yield from _waits_of_page(listing.name, site, inspection)
    if head is None and listing.name in inspection.index.published_versions(site, [listing.name]):
        yield "its page was published and is not there; `pressline verify --repair` puts it back"


def _waits_of_article(article: str, record: LiveRecord, site: Site, inspection: Inspection) -> Iterator[str]:
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
            yield f"revision {event.revision} lies among the dead letters; see `pressline dead-letters list`"
        elif event.kind is ArticleRemoved:
            yield f"revision {event.revision} takes it down, and is on its way{_queued(inspection)}"
        elif event.kind is ArticlesAccepted:
            yield f"revision {event.revision} should be seen, {record.revision or 'none'} is; {_queued(inspection)}"
        else:
            yield "it is live and not yet in the index; its listings follow"
    yield from _waits_of_page(article_page(article), site, inspection)


def _waits_of_page(page: str, site: Site, inspection: Inspection) -> Iterator[str]:
    """Say of a page that is behind why it may not have been rendered yet."""
    behind = inspection.index.stale_versions(site, [page]).get(page)
    if behind is None:
        return
    what = "a card that it shows has changed" if find_article(page) else "the index knows more than it shows"
    at = datetime.fromtimestamp(behind / 1_000_000, tz=inspection.clock().tzinfo)
    yield f"{what}, last at {at.isoformat(timespec='seconds')}; it is rendered again{_queued(inspection)}"
    if inspection.quarantine.is_quarantined(site.id, page_subject(page), behind):
        yield "rendering it failed: see `pressline dead-dead_letters list`"


def _queued(inspection: Inspection) -> str:
    """Say how much waits before what is on its way."""
    waiting = {lane: inspection.backlog.waiting("render").get(lane, 0) for lane in Lane}
    total = sum(waiting.values())
    return f" after {total} messages that wait for a render worker" if total else " shortly"
