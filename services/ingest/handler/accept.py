"""Accepting what is posted: read it, give it its place in the order, and commit it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.domain.stamps import stamp_for
from services.ingest.handler.article_pictures import with_picture_facts
from services.ingest.handler.commit import Proposal, Twin, commit, mark
from services.ingest.handler.intake import Intake
from services.ingest.ports import ReadingContext
from shared import keys
from shared.article import Article, Status
from shared.history import Since
from shared.messages import Lane
from shared.revision import Revision, revision_id, stamp_of
from shared.sites import Feed, Site

_MOST_UNDER_ONE_STAMP = 999


def accept(
    raw: bytes,
    *,
    content_type: str | None,
    site: Site,
    feed: Feed,
    received_at: datetime,
    may_take_down: bool,
    intake: Intake,
    lane: Lane = Lane.LIVE,
    canonical_site: str | None = None,
) -> Accepted:
    """Store what was sent for good, then announce it; return what became of it.

    `canonical_site`: the first of the sites that it was posted to, where this is another of them.

    Raises:
        RefusedError: it cannot become an article; the raw bytes are kept all the same.
        BacklogFullError: too much waits to be published before it. Removals are always taken.
        StorageUnavailableError: the store does not take it now. Nothing was accepted, or the same bytes sent again
            will be found to be a duplicate.
    """
    sha256 = hashlib.sha256(raw).hexdigest()
    raw_key = keys.raw_key(site.id, received_at, sha256)
    try:
        reading = intake.read_article(raw, content_type, ReadingContext(site, feed, received_at, canonical_site))
        _check_rights(reading.article, may_take_down=may_take_down)
        if reading.article.status is Status.USABLE:
            intake.admit(lane)
        article = with_picture_facts(reading.article, intake)
    except RefusedError:
        intake.content.put(raw_key, raw, content_type="application/octet-stream")
        raise
    source_noted = intake.sources.note(site.id, article.source) if article.status is Status.USABLE else None
    raw_kept = intake.executor.submit(intake.content.put, raw_key, raw, content_type="application/octet-stream")

    identity = keys.article_id(site.id, article.source, article.source_id)
    # A stamped article's name is nearly always known before the store is asked, and its marker need not wait for that.
    stamp = article.version_created
    marker = mark(site.id, identity, revision_id(stamp, article.version), intake) if stamp else None

    if source_noted is not None:
        source_noted.result()

    def propose(since: Since) -> Proposal | Twin:
        found = _name_or_twin(article, sha256, identity, since.names, received_at, intake)
        if isinstance(found, Revision):
            return Twin(found, reading.report)
        return Proposal(
            name=found, article=article, raw_sha256=sha256, raw_key=raw_key, report=reading.report, lane=lane
        )

    return commit(
        propose,
        site=site,
        article=identity,
        received_at=received_at,
        intake=intake,
        marker=marker,
        raw_kept=raw_kept,
    )


def _name_or_twin(
    article: Article, sha256: str, identity: str, names: Sequence[str], received_at: datetime, intake: Intake
) -> str | Revision:
    """Return the name of a new revision, or the revision that already holds these very bytes.

    Stamped items carry their place in order; the same bytes can only be a revision of the same stamp and version. An
    unstamped item comes after what was there, and repeats it only if it is the same as the latest, or was accepted
    since it was received: then this is a submission that is read a second time.
    """
    stamp = article.version_created
    if stamp is None:
        for name in reversed(names):
            there = intake.revisions.get(article.site, identity, name)
            is_same = _is_same(there, article, sha256)
            if is_same and (name == names[-1] or there.accepted_at >= received_at):
                return there
            if there.accepted_at < received_at:
                break
        latest = stamp_of(names[-1]) if names else None
        return revision_id(stamp_for(None, received_at, latest), article.version)
    first = revision_id(stamp, article.version)
    same_place = [name for name in names if name[:-3] == first[:-3]]
    for name in same_place:
        there = intake.revisions.get(article.site, identity, name)
        if _is_same(there, article, sha256):
            return there
    n = int(same_place[-1][-3:]) + 1 if same_place else 0
    if n > _MOST_UNDER_ONE_STAMP:
        detail = f"has come with more than {_MOST_UNDER_ONE_STAMP} different contents; send a newer stamp"
        raise unacceptable([Fault("/version_created", detail)])
    return revision_id(stamp, article.version, n)


def _is_same(there: Revision, article: Article, sha256: str) -> bool:
    """Tell whether a revision holds these very bytes, and knew as many of the pictures that they name."""
    knew_all = len(there.article.body_pictures) >= len(article.body_pictures)
    return there.raw_sha256 == sha256 and there.action is None and knew_all


def _check_rights(article: Article, *, may_take_down: bool) -> None:
    if article.status is not Status.USABLE and not may_take_down:
        detail = f"status {article.status.value} takes an article down, which needs a token with the scope takedown"
        raise RefusedError(403, detail, [Fault("/status", detail)])
