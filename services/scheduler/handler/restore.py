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
    """Make the index whole where this very Redis never was: apply what the bucket says, then mark it.

    A Redis that restarted from its own file lacks at most what came after its last mark: the journal from five
    minutes before that. One without a mark lacks everything: each article's `live.json` is read. The sweep moves the
    mark on.
    """
    if clockwork.index.whole_until(site) is not None:
        return
    now, restore = clockwork.clock(), clockwork.index.begin_restore(site)
    mark = clockwork.index.last_whole_minute(site)
    articles = {each.article for each in recent(site, mark - _OVERLAP, clockwork)} if mark else _all(site, clockwork)
    for article in sorted(articles):
        _enter(site, article, clockwork)
    is_whole = clockwork.index.set_whole(site, now, restore)
    log.info("index.restored", site=site.id, articles=len(articles), since=str(mark), is_whole=is_whole)


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
