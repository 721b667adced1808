"""The ports of the publishing handlers, and the steps that the handlers share."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.publish.domain.pages import cache_control_for, deletion_marker, stub
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
from shared.runtime.event_log import EventLog
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
    """The two buckets, the data in Redis, the edge, the sites and the clock."""

    content: ObjectStorage
    public: ObjectStorage
    records: LiveRecords
    revisions: Revisions
    index: Index
    quarantine: Quarantine
    receipts: Receipts
    event_log: EventLog
    runs: Runs
    edge: EdgeCache
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    known_assets: set[str]  # paths of immutable files that this process has seen in the public bucket
    writers: Executor  # threads for parallel calls to the store
    reads_back: bool  # whether a page is read back from the edge before it is live

    def site(self, name: str) -> Site:
        """Return a site by name.

        Raises:
            UnknownSiteError: the site is not configured here.
        """
        return get_site(self.sites, name)

    def register_picture_use(self, pictures: Iterable[Attachment], article: str) -> None:
        """Register an article as a user of these pictures; a removal of a picture first checks each user."""
        for picture in pictures:
            self.content.put(keys.used_by_key(picture.source_key, article), b"", content_type="text/plain")

    def publish_attachments(self, attachments: Iterable[Attachment]) -> None:
        """Publish the files that a page is about to show; a file that is public already costs one HEAD at most.

        Raises:
            ObjectMissingError: the content bucket lacks one of the files.
        """
        for attachment in attachments:
            if attachment.path in self.known_assets:
                continue
            head = self.public.find_head(attachment.path)
            if head is None or head.metadata.get("status") != "200":  # missing, or taken down with another article
                self.put_attachment(attachment)
            if attachment.is_immutable:
                self.known_assets.add(attachment.path)

    def put_attachment(self, attachment: Attachment) -> None:
        """Put one file into the public bucket, over any object at its path.

        Raises:
            ObjectMissingError: the content bucket lacks the file.
        """
        self.public.put(
            attachment.path,
            self.content.get(attachment.source_key).body,
            content_type=attachment.content_type,
            cache_control=cache_control_for("asset" if attachment.is_immutable else "media"),
            metadata={"surrogate-keys": keys.path_surrogate_key(attachment.path), "status": "200"},
        )
        self.edge.purge([keys.path_surrogate_key(attachment.path)])  # the edge may have stored a 404
        log.info("attachment.published", path=attachment.path)

    def put_stubs(self, rendered: RenderedPage, site: Site) -> None:
        """Put a stub for each listing that a page links to and that has no page yet; mark the listing stale."""
        published = (
            self.index.published_versions(site, [each.listing for each in rendered.stubs]) if rendered.stubs else {}
        )
        for each in rendered.stubs:
            if each.listing in published:
                continue  # another publisher was faster
            # Before the PUT: a worker that dies after it leaves no unnoticed stub.
            self.index.mark_stale(site, each.listing)
            page = stub(each, site=site.id, body=_decompressed(each.content), rendered=rendered)
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
                log.debug("stub.skipped", listing=each.listing)
            else:
                self.edge.purge([keys.path_surrogate_key(page.path)])  # the edge may have stored a 404
                log.info("stub.published", listing=each.listing)
            self.index.set_published(site, each.listing, 0)  # an object is there: no other page puts a stub

    def delete_path(self, head: ObjectHead, *surrogate_keys: str) -> None:
        """Replace an object by a deletion marker, purge its path, then delete the marker.

        If a worker dies before the deletion, the marker stays. No edge stores it, and the next verification finds it
        even if the message is lost.

        Raises:
            PreconditionFailedError: another page is there now.
        """
        page = deletion_marker(head.key)
        self.public.put(
            page.path,
            page.body,
            content_type=page.content_type,
            cache_control=page.cache_control,
            metadata=page.metadata,
            if_etag=head.etag,
        )
        self.edge.purge([*surrogate_keys, keys.path_surrogate_key(page.path)])
        self.public.delete(page.path)

    def stale_pages(self, cause: Message, site: Site, pages: Sequence[str]) -> tuple[Message, ...]:
        """Return messages for the stale pages that may be queued now; the scheduler emits the other ones later.

        Fronts have their own message, so that no other page delays them. An import queues only fronts, and a front's
        lease keeps it in the queue once. The scheduler emits the other pages once the queues are short.
        """
        is_import, is_urgent = cause.lane is Lane.BULK, cause.lane is Lane.URGENT
        candidates = dict.fromkeys(fronts_of(site, pages))
        if not is_import:
            candidates |= dict.fromkeys(pages)
        emittable = find_emittable(site, candidates, self.index, self.quarantine, is_urgent=is_urgent)
        leased = self.index.acquire_leases(site, list(emittable), is_news=not is_import, is_urgent=is_urgent)
        lane = Lane.URGENT if is_urgent else Lane.LISTINGS
        fronts = fronts_of(site, leased)
        article_pages = [page for page in leased if find_article(page)]
        others = [page for page in leased if page not in {*fronts, *article_pages}]
        return (
            *_batches(listings_stale, fronts, emittable, cause, site, lane),
            *_batches(listings_stale, others, emittable, cause, site, lane),
            *_batches(articles_stale, article_pages, emittable, cause, site, lane),
        )


def _batches(
    message_of: Callable[[Envelope, Site, Mapping[str, StalePage]], Message],
    pages: Sequence[str],
    emittable: Mapping[str, StalePage],
    cause: Message,
    site: Site,
    lane: Lane,
) -> Iterator[Message]:
    for first in range(0, len(pages), MAX_LISTINGS_PER_BATCH):
        batch = {page: emittable[page] for page in pages[first : first + MAX_LISTINGS_PER_BATCH]}
        yield message_of(follow_up(cause, f"stale:{','.join(sorted(batch))}", lane), site, batch)


def _decompressed(content: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(content), MAX_PAGE_BYTES)
