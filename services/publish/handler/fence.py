"""Puts one page at one path; an older page never overwrites a newer one, even if several publishers run.

The decision compares the page with the current object, and the PUT's precondition names that object's ETag. Equal bytes
have equal ETags. After A -> B -> A a stalled publisher's precondition holds, so the handler re-checks after the PUT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from services.publish.domain.pages import Page
from shared.model.live_record import LiveRecord
from shared.runtime.errors import AddressTakenError, PreconditionFailedError, StorageConflictError
from shared.storage import Etag, ObjectHead, ObjectStorage

_MAX_ATTEMPTS = 8


class PutKind(StrEnum):
    """The result of a PUT of a page."""

    PUT = "put"
    UNCHANGED = "unchanged"  # the same bytes were there: no PUT, or a PUT that renews their page version
    SUPERSEDED = "superseded"  # a newer page was there


@dataclass(frozen=True, slots=True)
class PutResult:
    """The kind of the result and the ETag of the current object.

    `made_for` names the message or run that made an unchanged object. `replaced_page_version` is the page version of
    the object that the PUT replaced.
    """

    kind: PutKind
    etag: Etag
    made_for: str = ""
    replaced_page_version: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedObject:
    """The object that we expect at a path: its ETag, order, digest and article (empty: a listing's)."""

    etag: Etag
    order: str
    sha256: str
    article: str = ""
    status: str = "200"
    location: str = ""
    page_version: str = ""
    made_for: str = ""
    is_read: bool = False  # read from the object itself just now, not from a record


def expected_from(head: ObjectHead | None) -> ExpectedObject | None:
    """Return an object as its own metadata describe it; None if there is no object."""
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
        page_version=metadata.get("theme", ""),
        made_for=metadata.get("made-for", ""),
        is_read=True,
    )


def expected_of(record: LiveRecord, path: str) -> ExpectedObject | None:
    """Return the object that an article's record names for a path; None if it names none."""
    page = record.pages.get(path)
    return ExpectedObject(page.etag, page.order, page.sha256, record.article) if page else None


def put_page(
    page: Page, expected: ExpectedObject | None, *, public: ObjectStorage, may_put: Callable[[], bool]
) -> PutResult | None:
    """Put a page unless a newer one is there; return None if `may_put` forbids it.

    Read the current object first, then ask `may_put`, then decide. A kill writes its tombstone before it puts 410
    pages, so a kill that comes after our check finds our page and replaces it.

    Raises:
        AddressTakenError: another article's page is there.
        StorageConflictError: other writers won each of our attempts; the same message may succeed later.
        StorageUnavailableError: the store does not accept the PUT now.
    """
    for _ in range(_MAX_ATTEMPTS):
        if not may_put():
            return None
        if expected and expected.order and expected.article != page.article:  # no order: not our object, replaced
            raise AddressTakenError(page.path)
        if expected and expected.order > page.order:
            return PutResult(PutKind.SUPERSEDED, expected.etag)
        if expected and expected.sha256 == page.sha256 and not expected.is_read:
            expected = _read_current(expected, public.find_head(page.path))
            continue
        is_same = expected is not None and _is_same(expected, page)
        if expected and is_same and expected.page_version == page.page_version:
            return PutResult(PutKind.UNCHANGED, expected.etag, expected.made_for)
        if (etag := _put_over(expected, page, public)) is not None:
            # The same bytes under another version are put again, so that `rebuild --theme` need not render them again.
            kind = PutKind.UNCHANGED if is_same else PutKind.PUT
            return PutResult(kind, etag, replaced_page_version=expected.page_version if expected else "")
        # Another object, or our own earlier PUT whose answer was lost: read the metadata.
        expected = expected_from(public.find_head(page.path))
    raise StorageConflictError(page.path)


def _read_current(recorded: ExpectedObject, head: ObjectHead | None) -> ExpectedObject | None:
    """Return the current object instead of the recorded one: a stalled publisher or a person may have replaced it.

    Another ETag means other bytes, even if the metadata's digest is the same.
    """
    current = expected_from(head)
    return replace(current, sha256="") if current and current.etag != recorded.etag else current


def _put_over(expected: ExpectedObject | None, page: Page, public: ObjectStorage) -> Etag | None:
    """Put a page over the expected object; return None if another object was there."""
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


def _is_same(current: ExpectedObject, page: Page) -> bool:
    """Tell whether a reader gets the same bytes, status and redirect target."""
    wanted = (page.sha256, str(page.status), page.location)
    return (current.sha256, current.status, current.location) == wanted
