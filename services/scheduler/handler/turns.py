"""A page that is behind has a turn: it is said once, and again only when nobody can have heard of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

from services.scheduler.handler.clockwork import Clockwork
from shared.listings import find_article
from shared.messages import ArticleAccepted, Envelope, Lane, ListingStale
from shared.pages import page_stale, page_subject
from shared.sites import Site


def find_free(site: Site, pages: Sequence[str], clockwork: Clockwork) -> dict[str, int]:
    """Return those of the pages that are behind, each with the number that it has to reach.

    None that lies among the dead letters as it is now: its listing, or its article's revision.
    """
    behind = clockwork.index.behind(site, pages)
    revisions = clockwork.index.revisions(site, [article for page in behind if (article := find_article(page))])
    subjects: dict[str, str | int] = {page_subject(page): number for page, number in behind.items()}
    parked = clockwork.marks.parked(site.id, subjects | revisions)
    return {
        page: number
        for page, number in behind.items()
        if page_subject(page) not in parked and find_article(page) not in parked
    }


def say(
    site: Site, pages: Mapping[str, int], lane: Lane, clockwork: Clockwork
) -> Iterator[ListingStale | ArticleAccepted]:
    """Yield a message for each of the pages whose turn it is."""
    turns = clockwork.index.take_turns(site, list(pages))
    shown = clockwork.index.revisions(site, [article for page in turns if (article := find_article(page))])
    for page in turns:
        yield page_stale(envelope(lane, clockwork), site, page, pages[page], shown)


def envelope(lane: Lane, clockwork: Clockwork) -> Envelope:
    """Return the envelope of a message that begins a chain."""
    return Envelope(
        message_id=uuid4(),
        causation_id=None,
        trace_parent=None,
        lane=lane,
        begun_at=clockwork.clock(),
    )
