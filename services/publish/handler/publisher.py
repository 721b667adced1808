"""The ports that every publishing handler uses, and the steps that they share."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from services.publish.domain.pages import cache_control_for, leaving, made, placeholder
from services.publish.handler.live_records import LiveRecords
from services.publish.ports import EdgeCache
from shared import keys
from shared.errors import PreconditionFailedError
from shared.history import Revisions
from shared.index import Index
from shared.marks import Marks
from shared.messages import Attachment, Lane, Message, PageRendered, follow_up
from shared.pages import find_free, fronts_of, page_stale
from shared.rebuilds import Rebuilds
from shared.receipts import Receipts
from shared.sites import Site, get_site
from shared.storage import ObjectHead, ObjectStorage

log = structlog.get_logger()

MOST_PAGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Publisher:
    """The two buckets, what Redis knows, the edge, and the clock."""

    content: ObjectStorage
    public: ObjectStorage
    records: LiveRecords
    revisions: Revisions
    index: Index
    marks: Marks
    receipts: Receipts
    rebuilds: Rebuilds
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

    def body_of(self, message: PageRendered) -> bytes:
        """Return the page's bytes, out of the message or out of the content bucket."""
        if message.content is not None:
            return _unpacked(message.content)
        return self.content.get(message.content_key or "").body

    def announce(self, pictures: Iterable[Attachment], article: str) -> None:
        """Note that an article is about to show these pictures, so that nobody takes them down unasked."""
        for picture in pictures:
            self.content.put(keys.shown_by_key(picture.source_key, article), b"", content_type="text/plain")

    def copy_out(self, attachments: Iterable[Attachment]) -> None:
        """Make the files public that a page is about to show; those that are there already cost a look at most.

        Raises:
            ObjectMissingError: the content bucket does not hold one of them.
        """
        for attachment in attachments:
            if attachment.path in self.known_assets:
                continue
            there = self.public.find_head(attachment.path)
            if there is None or there.metadata.get("status") != "200":  # or taken down with another article
                self.put_file(attachment)
            if attachment.is_immutable:
                self.known_assets.add(attachment.path)

    def put_file(self, attachment: Attachment) -> None:
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

    def put_placeholders(self, message: PageRendered) -> None:
        """Put the listings with nothing in them that a page leads to, where nothing is there or it is just leaving.

        Raises:
            PreconditionFailedError: one that was leaving has left; the same message succeeds.
        """
        for each in message.placeholders:
            page = placeholder(
                each.path,
                site=message.site,
                body=_unpacked(each.content),
                theme=message.theme,
                listing=each.listing,
                made=made(message),
            )
            put = partial(
                self.public.put,
                page.path,
                page.body,
                content_type=page.content_type,
                cache_control=page.cache_control,
                metadata=page.metadata,
            )
            try:
                put(unless_exists=True)
            except PreconditionFailedError:
                there = self.public.find_head(page.path)
                if there is not None and there.metadata.get("status") == str(page.status):
                    continue
                put(if_etag=there.etag) if there else put(unless_exists=True)
            self.edge.purge([keys.path_surrogate_key(page.path)])  # someone may have met a 404 here
            log.info("placeholder.published", listing=each.listing)

    def take_away(self, there: ObjectHead, *surrogate_keys: str) -> None:
        """Delete an object once the edge has forgotten it.

        Until then something stands there that says so: a worker that dies in between leaves what is found again,
        though its message be lost, and what no edge keeps.

        Raises:
            PreconditionFailedError: another page is there by now.
        """
        page = leaving(there.key)
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
        """Return a message for each of the pages that is behind and whose turn it is; the scheduler sees to the rest.

        However many articles an import brings, a front has one message: it does not wait in the lane of the import.
        Its calendar waits until the scheduler finds room.
        """
        is_import = cause.lane is Lane.BULK
        wanted = fronts_of(site, pages) if is_import else [*dict.fromkeys((*fronts_of(site, pages), *pages))]
        is_urgent = cause.lane is Lane.URGENT
        free = find_free(site, wanted, self.index, self.marks, is_urgent=is_urgent)
        turns = self.index.take_turns(site, list(free), is_news=not is_import, is_urgent=is_urgent)
        lane = Lane.LIVE if is_import else cause.lane
        return tuple(page_stale(follow_up(cause, f"stale:{page}", lane), site, page, free[page]) for page in turns)


def _unpacked(content: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(content), MOST_PAGE_BYTES)
