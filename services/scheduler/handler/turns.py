"""A page that is behind has a turn: it is said once, and again only when nobody can have heard of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import uuid4

from services.scheduler.handler.clockwork import Clockwork
from shared.messages import ArticleAccepted, Envelope, Lane, ListingStale
from shared.pages import Behind, page_stale
from shared.sites import Site


def say(
    site: Site, pages: Mapping[str, Behind], lane: Lane, clockwork: Clockwork
) -> Iterator[ListingStale | ArticleAccepted]:
    """Yield a message for each of the pages whose turn it is."""
    for page in clockwork.index.take_turns(site, list(pages)):
        yield page_stale(envelope(lane, clockwork), site, page, pages[page])


def envelope(lane: Lane, clockwork: Clockwork) -> Envelope:
    """Return the envelope of a message that begins a chain."""
    return Envelope(
        message_id=uuid4(),
        causation_id=None,
        trace_parent=None,
        lane=lane,
        begun_at=clockwork.clock(),
    )
