"""The owner of an object in the public bucket: checked before an object is reported as extra, and before a delete."""

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
    """The sources that name owners: `shared.reconcile.ReconcileDeps`, or a publisher's ports."""

    @property
    def content(self) -> ObjectStorage: ...  # noqa: D102

    @property
    def revisions(self) -> Revisions: ...  # noqa: D102

    @property
    def sites(self) -> Mapping[str, Site]: ...  # noqa: D102

    @property
    def clock(self) -> Callable[[], datetime]: ...  # noqa: D102


def is_ours(head: ObjectHead) -> bool:
    """Tell whether publish put an object: only publish writes these metadata fields."""
    return not _OUR_METADATA.isdisjoint(head.metadata)


def is_claimed(path: str, article: str, sources: OwnershipSources) -> bool:
    """Tell whether any site needs the object at a path: as listing, theme file, picture or article page.

    `article` is the article in the object's metadata; empty if there is none.
    """
    return any(_is_claimed_by(site, path, article, sources) for site in sources.sites.values())


def _is_claimed_by(site: Site, path: str, article: str, sources: OwnershipSources) -> bool:
    if listing_at(site, path) is not None:
        return True
    if article:
        record, _ = read_record(sources.content, site.id, article)
        return path in record.claimed or path in _addresses(site, article, sources)
    source = keys.source_of(site.id, path)
    if source is None:
        return False
    if keys.is_asset(path):
        return sources.content.find_head(source) is not None
    return _is_shown(path, source, site, sources.content)


def _addresses(site: Site, article: str, sources: OwnershipSources) -> tuple[str, ...]:
    """Return the addresses of an article, from its revisions: its record may be lost."""
    history = read_history(sources.revisions, site.id, article)
    addresses = addresses_of(history.released(sources.clock()), site)
    return addresses.all if addresses else ()


def _is_shown(path: str, source: str, site: Site, content: ObjectStorage) -> bool:
    """Tell whether a live article shows a picture or showed it once: cached pages may still show it."""
    prefix = keys.used_by_prefix(source)
    articles = (key.removeprefix(prefix) for key in content.list_keys(prefix))
    records = (read_record(content, site.id, article)[0] for article in articles)
    return any(record.revision is not None or path in record.media for record in records)
