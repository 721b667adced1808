"""How an article's public state changes: pure steps from one `LiveRecord` to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from shared.card import Card
from shared.live import LiveRecord, PageRecord
from shared.storage import Etag


def is_outdated(record: LiveRecord, revision: str, order: str = "") -> bool:
    """Tell whether a newer revision than this is live, took the article down, or has claimed.

    With the `order` of a page, also whether a later rendering of the same revision is live: it knew more (an older
    revision that came late may have moved the address).
    """
    if revision < max(record.settled_revision, record.claimed_by):
        return True
    live = record.pages.get(record.path or "")
    return bool(order and live and record.revision == revision and live.order > order)


def claimed(
    record: LiveRecord,
    revision: str,
    paths: Iterable[str] = (),
    *,
    media: Iterable[str] = (),
    listed: Iterable[str] = (),
) -> LiveRecord:
    """Return the record with paths, and public paths of pictures, claimed for the article by a revision.

    `listed`: the sets of which it is about to put placeholders.
    """
    return record.model_copy(
        update={
            "claimed": tuple(dict.fromkeys((*record.claimed, *paths))),
            "claimed_by": max(record.claimed_by, revision),
            "media": tuple(sorted({*record.media, *media})),
            "listed": tuple(sorted({*record.listed, *listed})),
        }
    )


def is_claimed(record: LiveRecord, revision: str, paths: Iterable[str], *, media: Iterable[str]) -> bool:
    """Tell whether a revision need not claim these paths and pictures any more."""
    return record.claimed_by >= revision and {*paths} <= {*record.claimed} and {*media} <= {*record.media}


def is_at_rest(record: LiveRecord) -> bool:
    """Tell whether an article is live, and nobody has claimed it for a later revision."""
    return record.revision is not None and record.claimed_by <= record.revision


def went_live(
    record: LiveRecord,
    *,
    revision: str,
    revisions_seen: int,
    path: str,
    order: str,
    pages: Mapping[str, PageRecord],
    put: Collection[str] = (),
    card: Card | None,
    media: tuple[str, ...],
    listed: Iterable[str],
    shows: Mapping[str, str],
    at: datetime,
) -> LiveRecord:
    """Return the record of an article whose page is live at a path; `put`: the paths where it was not there before."""
    if is_outdated(record, revision, order):
        return overwritten(record, pages)
    return record.model_copy(
        update={
            "revision": revision,
            "revisions_seen": max(record.revisions_seen, revisions_seen),
            "path": path,
            "live_since": record.live_since or at,
            "removed_by": None,
            "pages": _newer(record.pages, pages, put),
            "card": card,
            "media": tuple(sorted(media)),
            "listed": tuple(sorted({*record.listed, *listed})),
            "shows": dict(sorted(shows.items())),
        }
    )


def taken_down(
    record: LiveRecord,
    *,
    revision: str | None,
    rank: str,
    revisions_seen: int,
    pages: Mapping[str, PageRecord],
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


def _newer(
    old: Mapping[str, PageRecord], new: Mapping[str, PageRecord], put: Collection[str] = ()
) -> dict[str, PageRecord]:
    """Return what is known of pages with what is there now: the same bytes put once more are another page of theirs.

    Else whoever put others in between, and is about to record them, would find the record as it was.
    """
    merged = dict(old)
    for path, page in new.items():
        known = merged.get(path)
        if known is None or (known.order <= page.order and (path in put or not _is_same(known, page))):
            merged[path] = page
    return dict(sorted(merged.items()))


def _is_same(known: PageRecord, page: PageRecord) -> bool:
    """Tell whether the same bytes of the same revision were rendered again: no reason to write the record anew."""
    return known.sha256 == page.sha256 and known.order.partition("~")[0] == page.order.partition("~")[0]
