"""Older never overwrites newer: one page put at one path, whatever other publishers do meanwhile.

The decision is made from what is there when it is made, and the store's precondition holds it. ETags are digests, so a
stalled publisher may win with old bytes when a page went A -> B -> A: its handler re-checks after the PUT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from services.publish.domain.pages import Page
from shared.errors import AddressTakenError, PreconditionFailedError, StorageConflictError
from shared.live import LiveRecord
from shared.storage import Etag, ObjectHead, ObjectStorage

_TRIES = 8


class Outcome(StrEnum):
    """How putting a page ended."""

    PUT = "put"
    UNCHANGED = "unchanged"  # the same bytes were there: no PUT, or one that renews the version they carry
    STALE = "stale"  # something newer was there


@dataclass(frozen=True, slots=True)
class Put:
    """The outcome, the ETag of what is there now, and for which message or run that was made if it was there before."""

    outcome: Outcome
    etag: Etag
    made_for: str = ""
    replaced_theme: str = ""  # the version of what a PUT replaced


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
    made_for: str = ""
    is_read: bool = False  # from the object itself just now, not from a record


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
        made_for=metadata.get("made-for", ""),
        is_read=True,
    )


def known_of(record: LiveRecord, path: str) -> Known | None:
    """Return what an article's record says of a path."""
    page = record.pages.get(path)
    return Known(page.etag, page.order, page.sha256, record.article) if page else None


def put_page(page: Page, known: Known | None, *, public: ObjectStorage, may_put: Callable[[], bool]) -> Put | None:
    """Put a page unless something newer is there; return None where `may_put` forbids it.

    Read the current object first, then ask `may_put`, then decide. A kill writes its tombstone before it puts 410
    pages, so a kill that comes after our check finds our page and replaces it.

    Raises:
        AddressTakenError: another article's page is there.
        StorageConflictError: the store met two writers again and again; the same message may succeed later.
        StorageUnavailableError: the store does not take it now.
    """
    for _ in range(_TRIES):
        if not may_put():
            return None
        if known and known.order and known.article != page.article:  # what bears no order was not put by us
            raise AddressTakenError(page.path)
        if known and known.order > page.order:
            return Put(Outcome.STALE, known.etag)
        if known and known.sha256 == page.sha256 and not known.is_read:
            known = _read_again(known, public.find_head(page.path))
            continue
        is_same = known is not None and _is_same(known, page)
        if known and is_same and (known.theme == page.theme):
            return Put(Outcome.UNCHANGED, known.etag, known.made_for)
        if (etag := _put_over(known, page, public)) is not None:
            # The same bytes under another version are put again, so that `rebuild --theme` need not render them again.
            outcome = Outcome.UNCHANGED if is_same else Outcome.PUT
            return Put(outcome, etag, replaced_theme=known.theme if known else "")
        # Not what we expected, or our own earlier PUT whose answer was lost: the metadata tells.
        known = known_from(public.find_head(page.path))
    raise StorageConflictError(page.path)


def _read_again(recorded: Known, head: ObjectHead | None) -> Known | None:
    """Return what is there instead of what a record says: a stalled publisher or a hand may have overwritten it.

    Under another ETag there are other bytes, whatever the metadata say.
    """
    known = known_from(head)
    return replace(known, sha256="") if known and known.etag != recorded.etag else known


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


def _is_same(there: Known, page: Page) -> bool:
    """Tell whether a reader gets the same: the bytes, and what the edge makes of the metadata."""
    wanted = (page.sha256, str(page.status), page.location)
    return (there.sha256, there.status, there.location) == wanted
