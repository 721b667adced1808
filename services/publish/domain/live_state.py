"""How an article's public state changes: pure steps from one `LiveRecord` to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.messaging.page_bundle import ArticlePage
from shared.model.live_record import LiveRecord, PageRecord
from shared.storage import Etag


def is_outdated(record: LiveRecord, revision: str, order: str = "") -> bool:
    """Tell whether a newer revision than this is live, took the article down, or has claimed.

    With the `order` of a page, also whether a later rendering of the same revision is live: it knew more (an older
    revision that came late may have moved the address).
    """
    if revision < max(record.effective_revision, record.claimed_by):
        return True
    live = record.pages.get(record.path or "")
    return bool(order and live and record.revision == revision and live.order > order)


def claimed(
    record: LiveRecord,
    revision: str,
    paths: Iterable[str] = (),
    *,
    media: Iterable[str] = (),
    former_memberships: Iterable[str] = (),
) -> LiveRecord:
    """Return the record with paths, and public paths of pictures, claimed for the article by a revision.

    `former_memberships`: the memberships that its released revisions name.
    """
    return record.model_copy(
        update={
            "claimed": tuple(dict.fromkeys((*record.claimed, *paths))),
            "claimed_by": max(record.claimed_by, revision),
            "media": tuple(sorted({*record.media, *media})),
            "former_memberships": tuple(sorted({*record.former_memberships, *former_memberships})),
        }
    )


@dataclass(frozen=True, slots=True)
class LivePage:
    """An article's page that is before readers, with what its record has to say of it."""

    page: ArticlePage
    pages: Mapping[str, PageRecord]  # what was put, by path
    media: tuple[str, ...]  # public paths of the pictures that it shows
    former_memberships: tuple[str, ...]  # the memberships that its released revisions name
    at: datetime


def went_live(record: LiveRecord, live: LivePage) -> LiveRecord:
    """Return the record of an article whose page is live.

    The record itself where nothing but bytes changed: the object's metadata is authoritative for those.
    """
    page = live.page
    if is_outdated(record, page.revision, page.order):
        return overwritten(record, live.pages)
    changed = record.model_copy(
        update={
            "revision": page.revision,
            "revisions_seen": max(record.revisions_seen, page.revisions_seen),
            "path": page.path,
            "live_since": record.live_since or live.at,
            "removed_by": None,
            "is_killed": False,
            "pages": _newer(record.pages, live.pages),
            "card": page.card,
            "media": tuple(sorted(live.media)),
            "former_memberships": tuple(sorted({*record.former_memberships, *live.former_memberships})),
            "shows": dict(sorted(page.shows.items())),
            "lacks_related": page.lacks_related,
        }
    )
    return record if _says_the_same(record, changed) else changed


def _says_the_same(record: LiveRecord, changed: LiveRecord) -> bool:
    """Tell whether two records differ in no more than the digests, ETags and orders of their pages.

    A page without a digest is doubted (`found_there`): that it was put again has to be recorded.
    """
    before, after = (
        {path: (page.status, bool(page.sha256)) for path, page in each.pages.items()} for each in (record, changed)
    )
    return before == after and changed == record.model_copy(update={"pages": changed.pages})


def taken_down(
    record: LiveRecord,
    *,
    revision: str | None,
    rank: str,
    revisions_seen: int,
    pages: Mapping[str, PageRecord],
    is_killed: bool = False,
) -> LiveRecord:
    """Return the record of an article whose every address says that it is gone.

    `revision` takes it down; None while the edge has not shown that it did, and its pictures may still be there: so
    it is found behind and taken down again where nobody comes back to it. `rank` is what the removal is ordered by:
    while a kill stands it beats also the revisions that came after it.
    """
    if is_outdated(record, rank):
        return overwritten(record, pages)
    return record.model_copy(
        update={
            "revision": None,
            "revisions_seen": max(record.revisions_seen, revisions_seen),
            "path": None,
            "live_since": None,
            "removed_by": revision,
            "is_killed": is_killed,
            "pages": _newer(record.pages, pages),
            "card": None,
            "media": (),
            "shows": {},
        }
    )


def overwritten(record: LiveRecord, pages: Mapping[str, PageRecord]) -> LiveRecord:
    """Return the record after somebody who was late has put pages: what was recorded there is not to be relied on."""
    kept = {path: page for path, page in record.pages.items() if path not in pages or page.order <= pages[path].order}
    return record.model_copy(update={"pages": kept})


def found_there(record: LiveRecord, path: str, etag: Etag | None) -> LiveRecord:
    """Return the record after a look at a path: nothing is there, or something whose bytes are not to be relied on."""
    pages = {each: page for each, page in record.pages.items() if each != path}
    if etag is not None:
        known = record.pages.get(path)
        order, status = (known.order, known.status) if known else ("", 200)
        pages[path] = PageRecord(order=order, sha256="", etag=etag, status=status)
    return record.model_copy(update={"pages": dict(sorted(pages.items()))})


def _newer(old: Mapping[str, PageRecord], new: Mapping[str, PageRecord]) -> dict[str, PageRecord]:
    """Return what is known of pages with what is there now."""
    merged = dict(old)
    for path, page in new.items():
        known = merged.get(path)
        if known is None or known.order <= page.order:
            merged[path] = page
    return dict(sorted(merged.items()))
