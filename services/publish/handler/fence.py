"""Older never overwrites newer: one page put at one path, whatever other publishers do meanwhile.

The decision is made from what is there when it is made, and the store's precondition holds it. ETags are digests, so a
stalled publisher may win with old bytes when a page went A -> B -> A: its handler re-checks after the PUT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from services.publish.domain.pages import Page
from shared.model.live_record import LiveRecord
from shared.runtime.errors import AddressTakenError, PreconditionFailedError, StorageConflictError
from shared.storage import Etag, ObjectHead, ObjectStorage

_TRIES = 8


class PutKind(StrEnum):
    """How putting a page ended."""

    PUT = "put"
    UNCHANGED = "unchanged"  # the same bytes were there: no PUT, or one that renews the version they carry
    STALE = "stale"  # something newer was there


@dataclass(frozen=True, slots=True)
class PutResult:
    """The outcome, the ETag of what is there now, and for which message or run that was made if it was there before."""

    kind: PutKind
    etag: Etag
    made_for: str = ""
    replaced_theme: str = ""  # the version of what a PUT replaced


@dataclass(frozen=True, slots=True)
class ExpectedObject:
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


def expected_from(head: ObjectHead | None) -> ExpectedObject | None:
    """Return what an object says of itself."""
    if head is None:
        return None
    metadata = head.metadata
    return ExpectedObject(
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


def expected_of(record: LiveRecord, path: str) -> ExpectedObject | None:
    """Return what an article's record says of a path."""
    page = record.pages.get(path)
    return ExpectedObject(page.etag, page.order, page.sha256, record.article) if page else None


def put_page(
    page: Page, expected: ExpectedObject | None, *, public: ObjectStorage, may_put: Callable[[], bool]
) -> PutResult | None:
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
        if expected and expected.order and expected.article != page.article:  # what bears no order was not put by us
            raise AddressTakenError(page.path)
        if expected and expected.order > page.order:
            return PutResult(PutKind.STALE, expected.etag)
        if expected and expected.sha256 == page.sha256 and not expected.is_read:
            expected = _read_again(expected, public.find_head(page.path))
            continue
        is_same = expected is not None and _is_same(expected, page)
        if expected and is_same and (expected.theme == page.theme):
            return PutResult(PutKind.UNCHANGED, expected.etag, expected.made_for)
        if (etag := _put_over(expected, page, public)) is not None:
            # The same bytes under another version are put again, so that `rebuild --theme` need not render them again.
            kind = PutKind.UNCHANGED if is_same else PutKind.PUT
            return PutResult(kind, etag, replaced_theme=expected.theme if expected else "")
        # Not what we expected, or our own earlier PUT whose answer was lost: the metadata tells.
        expected = expected_from(public.find_head(page.path))
    raise StorageConflictError(page.path)


def _read_again(recorded: ExpectedObject, head: ObjectHead | None) -> ExpectedObject | None:
    """Return what is there instead of what a record says: a stalled publisher or a hand may have overwritten it.

    Under another ETag there are other bytes, whatever the metadata say.
    """
    expected = expected_from(head)
    return replace(expected, sha256="") if expected and expected.etag != recorded.etag else expected


def _put_over(expected: ExpectedObject | None, page: Page, public: ObjectStorage) -> Etag | None:
    """Put a page over what is believed to be there; return None where something else was."""
    try:
        return public.put(
            page.path,
            page.body,
            content_type=page.content_type,
            cache_control=page.cache_control,
            metadata=page.metadata,
            unless_exists=expected is None,
            if_etag=expected.etag if expected else None,
        )
    except (PreconditionFailedError, StorageConflictError):
        return None


def _is_same(there: ExpectedObject, page: Page) -> bool:
    """Tell whether a reader gets the same: the bytes, and what the edge makes of the metadata."""
    wanted = (page.sha256, str(page.status), page.location)
    return (there.sha256, there.status, there.location) == wanted
