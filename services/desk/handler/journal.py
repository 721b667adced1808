"""The journal walked again: what was accepted, released or expired between two times is said once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from shared import keys
from shared.errors import ObjectMissingError
from shared.history import Revisions
from shared.messages import ArticleAccepted, Lane
from shared.storage import ObjectStorage

_REMEMBERED = 100_000  # articles; one that comes once more after so many others is said twice, which does no harm


@dataclass(frozen=True, slots=True)
class Heard:
    """A journal marker's time, and what has to be said of it: None where its article was said, or is not meant."""

    at: datetime
    message: ArticleAccepted | None


def walk_journal(
    content: ObjectStorage,
    revisions: Revisions,
    site: str,
    *,
    since: datetime,
    until: datetime,
    source: str | None,
    now: datetime,
) -> Iterator[Heard]:
    """Yield every journal marker between two times, oldest first, and once for each article what has to be said.

    It is said in the bulk lane, so that it holds up no news; what the article is by now, live or taken down, the
    workers find out themselves.
    """
    said: dict[str, None] = {}
    start = keys.journal_minute(site, since)
    for key in content.list_keys(keys.journal_prefix(site), start_after=start):
        at, article, revision = keys.journal_entry(key)
        if at > until:
            return
        if at < since:
            continue
        message = None
        if article not in said and _is_meant(revisions, site, article, revision, source):
            if len(said) >= _REMEMBERED:
                del said[next(iter(said))]
            said[article] = None
            message = ArticleAccepted(
                message_id=uuid4(), lane=Lane.BULK, begun_at=now, site=site, article=article, revision=revision
            )
        yield Heard(at, message)


def _is_meant(revisions: Revisions, site: str, article: str, revision: str, source: str | None) -> bool:
    try:
        found = revisions.get(site, article, revision)
    except ObjectMissingError:  # its acceptance was cut short: a marker comes before what it announces
        return False
    return source is None or found.article.source == source
