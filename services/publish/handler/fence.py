"""Older never overwrites newer: one page put at one path, whatever other publishers do meanwhile.

The decision is made from what is there when it is made, the store's precondition holds it, and `after` looks again:
ETags are digests, so a publisher that stood still may win with old bytes when a page went A -> B -> A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.publish.domain.pages import Page
from shared.errors import AddressTakenError, PreconditionFailedError, StorageConflictError
from shared.live import LiveRecord
from shared.storage import Etag, ObjectHead, ObjectStorage

_TRIES = 8


class Decisions(Protocol):
    """What was last decided for each path (`Marks` knows it)."""

    def decide(self, site: str, path: str, order: str, sha256: str) -> bool:
        """Note that these bytes are to be shown; a lower order than the noted is ignored, and told by False."""
        ...

    def decided(self, site: str, path: str) -> tuple[str, str] | None:
        """Return (order, SHA-256) of the highest decision, or None where none is remembered."""
        ...


class Outcome(StrEnum):
    """How putting a page ended."""

    PUT = "put"
    UNCHANGED = "unchanged"  # the same bytes were there: no PUT, or one that renews the version they carry
    STALE = "stale"  # something newer was there


@dataclass(frozen=True, slots=True)
class Put:
    """The outcome, and the ETag of what is there now."""

    outcome: Outcome
    etag: Etag
    is_overtaken: bool = False  # a higher order was decided for the path meanwhile: it must be rendered again
    is_as_known: bool = True  # what was believed to be there was


@dataclass(frozen=True, slots=True)
class Known:
    """What is believed to be at a path: its ETag, order and digest, and whose page it is (empty: a listing's)."""

    etag: Etag
    order: str
    sha256: str
    article: str = ""
    status: str = "200"
    location: str = ""
    theme: str = ""


def known_from(head: ObjectHead | None) -> Known | None:
    """Return what an object says of itself."""
    if head is None:
        return None
    metadata = head.metadata
    return Known(
        etag=head.etag,
        order=metadata.get("order", ""),
        sha256=metadata.get("sha256", ""),
        article=metadata.get("article", ""),
        status=metadata.get("status", ""),
        location=metadata.get("location", ""),
        theme=metadata.get("theme", ""),
    )


def known_of(record: LiveRecord, path: str) -> Known | None:
    """Return what an article's record says of a path."""
    page = record.pages.get(path)
    return Known(page.etag, page.order, page.sha256, record.article) if page else None


def put_page(
    page: Page,
    known: Known | None,
    *,
    site: str,
    public: ObjectStorage,
    marks: Decisions,
    may_put: Callable[[], bool],
) -> Put | None:
    """Put a page unless something newer is there; return None where `may_put` forbids it.

    `known` was read before `may_put` is asked, and `may_put` before the decision: whoever forbids it later has
    written first, and will find the page when it takes pages down.

    Raises:
        AddressTakenError: another article's page is there.
        StorageConflictError: the store met two writers again and again; the same message may succeed later.
        StorageUnavailableError: the store does not take it now.
    """
    believed = known
    for _ in range(_TRIES):
        if not may_put():
            return None
        if known and known.order and known.article != page.article:  # what bears no order was not put by us
            raise AddressTakenError(page.path)
        if known and known.order > page.order:
            return Put(Outcome.STALE, known.etag)
        outcome = Outcome.PUT
        is_latest = marks.decide(site, page.path, page.order, page.sha256)
        if not is_latest and known is None and not page.article:
            return Put(Outcome.STALE, Etag(""))  # a later one was here and has gone: a listing leaves nothing behind
        if known and known.sha256 == page.sha256:
            # What we believe may have been overwritten by a publisher that stood still, or by a hand that kept the
            # metadata: look before sparing the PUT.
            there = known_from(public.find_head(page.path))
            is_same = there is not None and there.etag == known.etag and _is_same(there, page)
            if there and is_same and _needs_no_version(there, page):
                return Put(Outcome.UNCHANGED, there.etag, _is_overtaken(site, page, marks), known is believed)
            if there and not is_same and there.order > page.order:
                return Put(Outcome.STALE, there.etag)
            known, outcome = (known, Outcome.UNCHANGED) if is_same else (there, Outcome.PUT)
        if (etag := _put_over(known, page, public)) is not None:
            return Put(outcome, etag, _is_overtaken(site, page, marks), known is believed)
        # Not what we believed, or our own earlier PUT whose answer was lost: the digest tells.
        known = known_from(public.find_head(page.path))
    raise StorageConflictError(page.path)


def _put_over(known: Known | None, page: Page, public: ObjectStorage) -> Etag | None:
    """Put a page over what is believed to be there; return None where something else was."""
    try:
        return public.put(
            page.path,
            page.body,
            content_type=page.content_type,
            cache_control=page.cache_control,
            metadata=page.metadata,
            unless_exists=known is None,
            if_etag=known.etag if known else None,
        )
    except (PreconditionFailedError, StorageConflictError):
        return None


def _needs_no_version(there: Known, page: Page) -> bool:
    """Tell whether an object with the page's bytes may keep its metadata.

    If it carries another version of theme and settings, the same bytes are put again with the page's version. Readers
    see no difference, so nothing is purged. Without this PUT each `rebuild --theme` would render the page again.
    """
    return there.theme == page.theme or there.order > page.order


def _is_same(there: Known, page: Page) -> bool:
    """Tell whether a reader gets the same: the bytes, and what the edge makes of the metadata."""
    wanted = (page.sha256, str(page.status), page.location)
    return (there.sha256, there.status, there.location) == wanted


def _is_overtaken(site: str, page: Page, marks: Decisions) -> bool:
    return is_overtaken(page, marks.decided(site, page.path))


def is_overtaken(page: Page, decided: tuple[str, str] | None) -> bool:
    """Tell whether other bytes of a higher order were decided for a page's path."""
    return decided is not None and decided[0] > page.order and decided[1] != page.sha256
