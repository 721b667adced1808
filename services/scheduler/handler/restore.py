"""The index is made whole again from the bucket: Redis may lose all of it, or its last second."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

import structlog

from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.handler.sweep import recent
from shared import keys
from shared.sites import Site

log = structlog.get_logger()

_OVERLAP = timedelta(minutes=5)


def restore_index(site: Site, clockwork: Clockwork) -> None:
    """Mark the index as whole; first, where this Redis never was, apply what the bucket says.

    A Redis that restarted from its own file lacks at most what came after its last mark: the journal from five
    minutes before that. One without a mark lacks everything: each article's `live.json` is read.
    """
    now = clockwork.clock()
    if clockwork.index.whole_until(site) is None:
        mark = clockwork.index.last_whole_minute(site)
        articles = (
            {article for article, _ in recent(site, mark - _OVERLAP, clockwork)} if mark else _all(site, clockwork)
        )
        for article in sorted(articles):
            _enter(site, article, clockwork)
        log.info("index.restored", site=site.id, articles=len(articles), since=mark.isoformat() if mark else None)
    clockwork.index.set_whole(site, now)


def _all(site: Site, clockwork: Clockwork) -> set[str]:
    prefix = keys.articles_prefix(site.id)
    found = clockwork.content.list_keys(prefix)
    return {article for article, _ in groupby(found, key=lambda key: key.removeprefix(prefix).partition("/")[0])}


def _enter(site: Site, article: str, clockwork: Clockwork) -> None:
    record = clockwork.record(site, article)
    if record.revision and record.card:
        clockwork.index.enter(site, record.card, record.revision)
    elif record.removed_by:
        clockwork.index.leave(site, article, record.removed_by)
