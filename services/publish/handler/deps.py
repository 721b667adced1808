"""The ports that every publishing handler uses, and the steps that they share."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.publish.domain.pages import cache_control_for, marker_of_deletion, stub
from services.publish.handler.live_records import LiveRecords
from services.publish.ports import EdgeCache
from shared.index import Index
from shared.index.stale_pages import StalePage, articles_stale, find_emittable, fronts_of, listings_stale
from shared.messaging.messages import MAX_LISTINGS_PER_BATCH, Envelope, Message, follow_up
from shared.messaging.page_bundle import RenderedPage
from shared.model.attachment import Attachment
from shared.model.history import Revisions
from shared.model.lane import Lane
from shared.runtime.errors import PreconditionFailedError
from shared.runtime.quarantine import Quarantine
from shared.runtime.rebuild_runs import Runs
from shared.runtime.receipts import Receipts
from shared.site import keys
from shared.site.listings import find_article
from shared.site.sites import Site, get_site
from shared.storage import ObjectHead, ObjectStorage

log = structlog.get_logger()

MAX_PAGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PublishDeps:
    """The two buckets, what Redis knows, the edge, and the clock."""

    content: ObjectStorage
    public: ObjectStorage
    records: LiveRecords
    revisions: Revisions
    index: Index
    quarantine: Quarantine
    receipts: Receipts
    runs: Runs
    edge: EdgeCache
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    known_assets: set[str]  # immutable files that this process has seen in the public bucket
    writers: Executor  # the store's answers are waited for side by side

    def site(self, name: str) -> Site:
        """Return a site by name.

        Raises:
            UnknownSiteError: it is not configured here.
        """
        return get_site(self.sites, name)

    def register_picture_use(self, pictures: Iterable[Attachment], article: str) -> None:
        """Note that an article is about to show these pictures, so that nobody takes them down unasked."""
        for picture in pictures:
            self.content.put(keys.used_by_key(picture.source_key, article), b"", content_type="text/plain")

    def publish_attachments(self, attachments: Iterable[Attachment]) -> None:
        """Make the files public that a page is about to show; those that are there already cost a look at most.

        Raises:
            ObjectMissingError: the content bucket does not hold one of them.
        """
        for attachment in attachments:
            if attachment.path in self.known_assets:
                continue
            there = self.public.find_head(attachment.path)
            if there is None or there.metadata.get("status") != "200":  # or taken down with another article
                self.put_attachment(attachment)
            if attachment.is_immutable:
                self.known_assets.add(attachment.path)

    def put_attachment(self, attachment: Attachment) -> None:
        """Make one file public, whatever is there.

        Raises:
            ObjectMissingError: the content bucket does not hold it.
        """
        self.public.put(
            attachment.path,
            self.content.get(attachment.source_key).body,
            content_type=attachment.content_type,
            cache_control=cache_control_for("asset" if attachment.is_immutable else "media"),
            metadata={"surrogate-keys": keys.path_surrogate_key(attachment.path), "status": "200"},
        )
        self.edge.purge([keys.path_surrogate_key(attachment.path)])  # someone may have met a 404 here
        log.info("attachment.published", path=attachment.path)

    def put_stubs(self, rendered: RenderedPage, site: Site) -> None:
        """Put the listings with nothing in them that a page links to, where nothing is there; each becomes stale."""
        known = self.index.published_versions(site, [each.listing for each in rendered.stubs]) if rendered.stubs else {}
        for each in rendered.stubs:
            if each.listing in known:
                continue  # another page was quicker
            # Before the PUT: a worker that dies in between leaves no stub unnoticed.
            self.index.mark_stale(site, each.listing)
            page = stub(each, site=site.id, body=_unpacked(each.content), rendered=rendered)
            try:
                self.public.put(
                    page.path,
                    page.body,
                    content_type=page.content_type,
                    cache_control=page.cache_control,
                    metadata=page.metadata,
                    unless_exists=True,
                )
            except PreconditionFailedError:
                log.debug("stub.known", listing=each.listing)
            else:
                self.edge.purge([keys.path_surrogate_key(page.path)])  # someone may have met a 404 here
                log.info("stub.published", listing=each.listing)
            self.index.set_published(site, each.listing, 0)  # something is there: nobody brings another stub

    def delete_path(self, there: ObjectHead, *surrogate_keys: str) -> None:
        """Delete an object once the edge has forgotten it.

        Until then something stands there that says so: a worker that dies in between leaves what is found again,
        though its message be lost, and what no edge keeps.

        Raises:
            PreconditionFailedError: another page is there by now.
        """
        page = marker_of_deletion(there.key)
        self.public.put(
            page.path,
            page.body,
            content_type=page.content_type,
            cache_control=page.cache_control,
            metadata=page.metadata,
            if_etag=there.etag,
        )
        self.edge.purge([*surrogate_keys, keys.path_surrogate_key(page.path)])
        self.public.delete(page.path)

    def stale_pages(self, cause: Message, site: Site, pages: Sequence[str]) -> tuple[Message, ...]:
        """Return messages for those of the pages that are stale and may be queued; the scheduler sees to the rest.

        Fronts have a message of their own, which others do not hold up. However many articles an import brings, a front
        is queued once; its calendar waits until the scheduler finds room.
        """
        is_import, is_urgent = cause.lane is Lane.BULK, cause.lane is Lane.URGENT
        wanted = dict.fromkeys(fronts_of(site, pages))
        if not is_import:
            wanted |= dict.fromkeys(pages)
        free = find_emittable(site, wanted, self.index, self.quarantine, is_urgent=is_urgent)
        leased = self.index.acquire_leases(site, list(free), is_news=not is_import, is_urgent=is_urgent)
        lane = Lane.URGENT if is_urgent else Lane.LISTINGS
        fronts = fronts_of(site, leased)
        own = [page for page in leased if find_article(page)]
        others = [page for page in leased if page not in {*fronts, *own}]
        return (
            *_batches(listings_stale, fronts, free, cause, site, lane),
            *_batches(listings_stale, others, free, cause, site, lane),
            *_batches(articles_stale, own, free, cause, site, lane),
        )


def _batches(
    message_of: Callable[[Envelope, Site, Mapping[str, StalePage]], Message],
    pages: Sequence[str],
    free: Mapping[str, StalePage],
    cause: Message,
    site: Site,
    lane: Lane,
) -> Iterator[Message]:
    for first in range(0, len(pages), MAX_LISTINGS_PER_BATCH):
        some = {page: free[page] for page in pages[first : first + MAX_LISTINGS_PER_BATCH]}
        yield message_of(follow_up(cause, f"stale:{','.join(sorted(some))}", lane), site, some)


def _unpacked(content: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(content), MAX_PAGE_BYTES)
