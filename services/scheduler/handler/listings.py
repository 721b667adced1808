"""What stays stale is said again, and a listing that was never published is published for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from services.scheduler.handler.clockwork import Clockwork
from shared.listings import listings
from shared.messages import ListingStale
from shared.sites import Site


def say_stale_listings(site: Site, clockwork: Clockwork) -> Iterator[ListingStale]:
    """Yield a message for each listing that is behind and whose turn it is, while the index is whole."""
    if clockwork.index.whole_until(site) is None:
        return
    published = clockwork.index.published(site)
    stale = clockwork.index.stale(site)
    names = {listing.name for listing in listings(site)}
    for listing in listings(site):
        if listing.name not in published and listing.name not in stale:
            clockwork.index.touch(site, listing.name)
    for name, changed in clockwork.index.behind(site).items():
        is_parked = clockwork.marks.is_parked(site.id, f"listing:{name}", changed)
        if name in names and not is_parked and clockwork.index.take_turn(site, name):
            yield ListingStale(
                message_id=uuid4(), begun_at=clockwork.clock(), site=site.id, listing=name, changed=changed
            )
