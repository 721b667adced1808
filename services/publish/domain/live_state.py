"""The transitions of an article's public state: pure functions from one `LiveRecord` to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.messaging.page_bundle import ArticlePage
from shared.model.live_record import LiveRecord, PageRecord
from shared.storage import Etag


def is_outdated(record: LiveRecord, revision: str, order: str = "") -> bool:
    """Tell whether a newer revision is live, took the article down, or has claimed.

    With the `order` of a page, also tell whether a later rendering of the same revision is live. That rendering knew
    more: an older revision that came late may have moved the address.
    """
    if revision < max(record.effective_revision, record.claimed_by):
        return True
    live = record.pages.get(record.path or "")
    return bool(order and live and record.revision == revision and live.order > order)


def add_claims(
    record: LiveRecord,
    revision: str,
    paths: Iterable[str] = (),
    *,
    media: Iterable[str] = (),
    former_memberships: Iterable[str] = (),
) -> LiveRecord:
    """Return the record with paths, and public paths of pictures (`media`), claimed by a revision.

    `former_memberships`: the memberships that the article's released revisions name, current ones included.
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
    """An article's page that readers see, with the fields of its record."""

    page: ArticlePage
    pages: Mapping[str, PageRecord]  # the pages that were put, by path
    media: tuple[str, ...]  # public paths of the pictures that the page shows
    former_memberships: tuple[str, ...]  # of the released revisions, current ones included
    at: datetime


def apply_live_page(record: LiveRecord, live: LivePage) -> LiveRecord:
    """Return the record of an article whose page is live.

    Return `record` itself if only bytes changed: the object's metadata is authoritative for bytes.
    """
    page = live.page
    if is_outdated(record, page.revision, page.order):
        return drop_overwritten_pages(record, live.pages)
    changed = record.model_copy(
        update={
            "revision": page.revision,
            "revisions_seen": max(record.revisions_seen, page.revisions_seen),
            "path": page.path,
            "live_since": record.live_since or live.at,
            "removed_by": None,
            "is_killed": False,
            "pages": _merge_pages(record.pages, live.pages),
            "card": page.card,
            "media": tuple(sorted(live.media)),
            "former_memberships": tuple(sorted({*record.former_memberships, *live.former_memberships})),
            "shows": dict(sorted(page.shows.items())),
            "lacks_related": page.lacks_related,
        }
    )
    return record if _is_equivalent(record, changed) else changed


def _is_equivalent(record: LiveRecord, changed: LiveRecord) -> bool:
    """Tell whether two records differ only in the digests, ETags and orders of their pages.

    A record without a digest distrusts its page (`apply_found_object`); the next PUT of that page must be recorded.
    """
    before, after = (
        {path: (page.status, bool(page.sha256)) for path, page in each.pages.items()} for each in (record, changed)
    )
    return before == after and changed == record.model_copy(update={"pages": changed.pages})


def apply_removal(
    record: LiveRecord,
    *,
    revision: str | None,
    rank: str,
    revisions_seen: int,
    pages: Mapping[str, PageRecord],
    is_killed: bool = False,
) -> LiveRecord:
    """Return the record of an article whose addresses all answer 410.

    `revision` is the removal's. It is None until the edge has answered 410 everywhere and the pictures are gone. So the
    sweep finds the article and re-emits the removal if its message is lost. `rank` orders the removal: a kill in force
    ranks above the revisions that came after it.
    """
    if is_outdated(record, rank):
        return drop_overwritten_pages(record, pages)
    return record.model_copy(
        update={
            "revision": None,
            "revisions_seen": max(record.revisions_seen, revisions_seen),
            "path": None,
            "live_since": None,
            "removed_by": revision,
            "is_killed": is_killed,
            "pages": _merge_pages(record.pages, pages),
            "card": None,
            "media": (),
            "shows": {},
        }
    )


def drop_overwritten_pages(record: LiveRecord, pages: Mapping[str, PageRecord]) -> LiveRecord:
    """Return the record without the pages that a late publisher has overwritten with `pages`."""
    valid = {path: page for path, page in record.pages.items() if path not in pages or page.order <= pages[path].order}
    return record.model_copy(update={"pages": valid})


def apply_found_object(record: LiveRecord, path: str, etag: Etag | None) -> LiveRecord:
    """Return the record after an inspection of a path: no object (`etag` None), or one whose bytes are not trusted."""
    pages = {each: page for each, page in record.pages.items() if each != path}
    if etag is not None:
        recorded = record.pages.get(path)
        order, status = (recorded.order, recorded.status) if recorded else ("", 200)
        pages[path] = PageRecord(order=order, sha256="", etag=etag, status=status)
    return record.model_copy(update={"pages": dict(sorted(pages.items()))})


def _merge_pages(old: Mapping[str, PageRecord], new: Mapping[str, PageRecord]) -> dict[str, PageRecord]:
    """Merge new page records into old ones; a lower order does not replace a higher one."""
    merged = dict(old)
    for path, page in new.items():
        recorded = merged.get(path)
        if recorded is None or recorded.order <= page.order:
            merged[path] = page
    return dict(sorted(merged.items()))
