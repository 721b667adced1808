"""What editors pin to a front: stored in the bucket, then its listing is told that it is behind."""

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
        """Return what is pinned to a front, None for nothing.

        Raises:
            FrontUnknownError: the site has no such front.
        """
        _listing_of(site, front)
        return read_pins(self.content, site.id, front)

    def pin(
        self, site: Site, front: str, articles: Sequence[str], until: datetime | None, *, by: str, at: datetime
    ) -> tuple[Pins, tuple[str, ...]]:
        """Store what leads a front from now on, tell its listing; return it, and what the editor may want to know.

        Raises:
            FrontUnknownError: the site has no such front.
            RefusedError: 422, an article is not known or named twice, or the time is over.
            StorageUnavailableError: nothing was pinned, or the same again will be found done.
            RedisUnavailableError: it is stored; the same again tells the listing.
        """
        listing = _listing_of(site, front)
        warnings = self._look_at(site, articles, until, at)
        pins = Pins(articles=tuple(articles), until=until, set_by=by, set_at=at)
        self.content.put(keys.front_key(site.id, front), pins.model_dump_json().encode())
        log.info("front.pinned", site=site.id, front=front, by=by, articles=len(pins.articles))
        self.index.mark_stale(site, listing)
        return pins, warnings

    def unpin(self, site: Site, front: str, *, by: str) -> None:
        """Remove what is pinned to a front, if anything is, and tell its listing.

        Raises:
            FrontUnknownError: the site has no such front.
            StorageUnavailableError: the same again does what is left to be done.
            RedisUnavailableError: it is removed; the same again tells the listing.
        """
        listing = _listing_of(site, front)
        self.content.delete(keys.front_key(site.id, front))
        log.info("front.unpinned", site=site.id, front=front, by=by)
        self.index.mark_stale(site, listing)

    def _look_at(self, site: Site, articles: Sequence[str], until: datetime | None, at: datetime) -> tuple[str, ...]:
        faults = [Fault("/until", "has passed")] if until is not None and until <= at else []
        warnings = []
        for number, article in enumerate(articles):
            if article in articles[:number]:
                faults.append(Fault(pointer("articles", number), "is named twice"))
            elif read_record(self.content, site.id, article)[0].revision is None:
                if self.revisions.names(site.id, article):
                    warnings.append(f"{article} is not live; it leads the front once it is")
                else:
                    faults.append(Fault(pointer("articles", number), f"is no article of {site.id}"))
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
