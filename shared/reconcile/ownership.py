"""Whose is what lies in the public bucket? Asked before anything there is called too much, and before it is removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from shared.model.addresses import addresses_of
from shared.model.history import Revisions, read_history
from shared.model.live_record import read_record
from shared.site import keys
from shared.site.listings import listing_at
from shared.site.sites import Site
from shared.storage import ObjectHead, ObjectStorage

_OUR_METADATA = frozenset({"order", "sha256", "surrogate-keys"})


class OwnershipSources(Protocol):
    """Where it is written who needs what: `shared.reconcile.ReconcileDeps`, or a publisher's ports."""

    @property
    def content(self) -> ObjectStorage: ...  # noqa: D102

    @property
    def revisions(self) -> Revisions: ...  # noqa: D102

    @property
    def sites(self) -> Mapping[str, Site]: ...  # noqa: D102

    @property
    def clock(self) -> Callable[[], datetime]: ...  # noqa: D102


def is_ours(head: ObjectHead) -> bool:
    """Tell whether publish put an object: nobody else writes these fields."""
    return not _OUR_METADATA.isdisjoint(head.metadata)


def is_claimed(path: str, article: str, books: OwnershipSources) -> bool:
    """Tell whether any site has a reason for what is at a path: listing, theme file, picture, article's page.

    `article` is whose the object says it is, empty where it says nothing.
    """
    return any(_is_claimed_by(site, path, article, books) for site in books.sites.values())


def _is_claimed_by(site: Site, path: str, article: str, books: OwnershipSources) -> bool:
    if listing_at(site, path) is not None:
        return True
    if article:
        record, _ = read_record(books.content, site.id, article)
        return path in record.claimed or path in _addresses(site, article, books)
    source = keys.source_of(site.id, path)
    if source is None:
        return False
    if keys.is_asset(path):
        return books.content.find_head(source) is not None
    return _is_shown(path, source, site, books.content)


def _addresses(site: Site, article: str, books: OwnershipSources) -> tuple[str, ...]:
    """Return the addresses that an article has a right to, though its record may be lost."""
    history = read_history(books.revisions, site.id, article)
    addresses = addresses_of(history.released(books.clock()), site)
    return addresses.all if addresses else ()


def _is_shown(path: str, source: str, site: Site, content: ObjectStorage) -> bool:
    """Tell whether an article that is live shows a picture, or showed it once: pages in caches still do."""
    prefix = keys.used_by_prefix(source)
    articles = (key.removeprefix(prefix) for key in content.list_keys(prefix))
    records = (read_record(content, site.id, article)[0] for article in articles)
    return any(record.revision is not None or path in record.media for record in records)
