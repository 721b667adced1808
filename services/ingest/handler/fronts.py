"""Pins of fronts: stores them in the content bucket, then marks the front's listing stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, FrontUnknownError, unacceptable
from shared.index import Index
from shared.model.history import Revisions
from shared.model.live_record import read_record
from shared.site import keys
from shared.site.listings import HOME
from shared.site.pins import Pins, read_pins
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fronts:
    """The fronts of all sites: `home`, and each section by its id."""

    content: ObjectStorage
    revisions: Revisions
    index: Index

    def find(self, site: Site, front: str) -> Pins | None:
        """Return the pins of a front, or None.

        Raises:
            FrontUnknownError: the site has no such front.
        """
        _listing_of(site, front)
        return read_pins(self.content, site.id, front)

    def pin(
        self, site: Site, front: str, articles: Sequence[str], until: datetime | None, *, by: str, at: datetime
    ) -> tuple[Pins, tuple[str, ...]]:
        """Store the pins of a front and mark its listing stale; return the pins, and warnings for the editor.

        Raises:
            FrontUnknownError: the site has no such front.
            RefusedError: 422, an article is unknown or named twice, or `until` has passed.
            StorageUnavailableError: the store does not answer; the same request again is safe.
            RedisUnavailableError: the pins are stored; the same request again marks the listing stale.
        """
        listing = _listing_of(site, front)
        warnings = self._check_articles(site, articles, until, at)
        pins = Pins(articles=tuple(articles), until=until, set_by=by, set_at=at)
        self.content.put(keys.front_key(site.id, front), pins.model_dump_json().encode())
        log.info("front.pinned", site=site.id, front=front, by=by, articles=len(pins.articles))
        self.index.mark_stale(site, listing)
        return pins, warnings

    def unpin(self, site: Site, front: str, *, by: str) -> None:
        """Remove the pins of a front and mark its listing stale.

        Raises:
            FrontUnknownError: the site has no such front.
            StorageUnavailableError: the store does not answer; the same request again is safe.
            RedisUnavailableError: the pins are removed; the same request again marks the listing stale.
        """
        listing = _listing_of(site, front)
        self.content.delete(keys.front_key(site.id, front))
        log.info("front.unpinned", site=site.id, front=front, by=by)
        self.index.mark_stale(site, listing)

    def _check_articles(
        self, site: Site, articles: Sequence[str], until: datetime | None, at: datetime
    ) -> tuple[str, ...]:
        faults = [Fault("/until", "has passed")] if until is not None and until <= at else []
        warnings = []
        for number, article in enumerate(articles):
            if article in articles[:number]:
                faults.append(Fault(pointer("articles", number), "is named twice"))
            elif read_record(self.content, site.id, article)[0].revision is None:
                if self.revisions.names(site.id, article):
                    warnings.append(f"{article} is not live; the front shows it once it is live")
                else:
                    faults.append(Fault(pointer("articles", number), f"is not an article of {site.id}"))
        if faults:
            raise unacceptable(faults)
        return tuple(warnings)


def _listing_of(site: Site, front: str) -> str:
    """Return the name of a front's listing.

    Raises:
        FrontUnknownError: the site has no such front.
    """
    if front == HOME:
        return HOME
    if not site.has_section(front):
        raise FrontUnknownError(f"{site.id} has no front {front[:40]!r}; it has {HOME} and its sections")
    return f"section.{front}"
