"""Accepting: raw bytes, journal marker, schedule, then the revision, which is the commit (architecture part 4)."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import structlog

from services.ingest.domain.accepted import Accepted, AcceptedStatus
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.domain.stamps import stamp_for
from services.ingest.handler.intake import Intake
from services.ingest.ports import Reading, ReadingContext
from shared import keys
from shared.article import Article, Status
from shared.errors import PreconditionFailedError, StorageConflictError
from shared.messages import ArticleAccepted, ArticleRemoved, Lane
from shared.receipts import Outcome, Receipt, Stage, receipt_id
from shared.revision import Revision, revision_id, stamp_of
from shared.sites import Site
from shared.storage import Etag

log = structlog.get_logger()

_TRIES = 32  # twenty senders of one article at the same moment have been seen to need nine
_MOST_UNDER_ONE_STAMP = 999
_MARKER_GOOD_FOR = timedelta(seconds=60)


def accept(
    raw: bytes,
    *,
    content_type: str | None,
    site: Site,
    source: str,
    received_at: datetime,
    may_take_down: bool,
    intake: Intake,
    lane: Lane = Lane.LIVE,
) -> Accepted:
    """Store what was sent for good, then announce it; return what became of it.

    Raises:
        RefusedError: it cannot become an article; the raw bytes are kept all the same.
        StorageUnavailableError: the store does not take it now. Nothing was accepted, or the same bytes sent again
            will be found to be a duplicate.
    """
    sha256 = hashlib.sha256(raw).hexdigest()
    raw_key = keys.raw_key(site.id, received_at, sha256)
    raw_kept = intake.executor.submit(intake.content.put, raw_key, raw, content_type="application/octet-stream")
    try:
        reading = intake.read_article(raw, content_type, ReadingContext(site, source, received_at))
        _check_rights(reading.article, may_take_down=may_take_down)
        article = _with_picture_facts(reading.article, intake)
    except RefusedError:
        raw_kept.result()
        raise

    identity = keys.article_id(site.id, article.source, article.source_id)
    # A stamped article's name is nearly always known before the store is asked, and its marker need not wait for that.
    stamp = article.version_created
    marker = _mark(article, identity, revision_id(stamp, article.version), intake) if stamp else None
    names = intake.revisions.names(site.id, identity)
    for _ in range(_TRIES):
        twin, name = _name(article, sha256, identity, names, received_at, intake)
        if twin is not None:
            raw_kept.result()
            return _accepted("duplicate", twin, identity, reading, site)
        revision = Revision(
            article_id=identity,
            revision=name,
            status=article.status,
            lane=Lane.URGENT if article.status is not Status.USABLE else lane,
            accepted_at=intake.clock(),
            raw_sha256=sha256,
            raw_key=raw_key,
            article=article,
        )
        if marker is None or marker.revision != name:
            marker = _mark(article, identity, name, intake)
        for due in _dues(revision, received_at):
            intake.content.put(keys.schedule_key(site.id, due, identity, name), b"", content_type="text/plain")
        marker.is_there.result()
        raw_kept.result()
        if revision.status is Status.CANCELED and (not names or names[-1] < name):
            # Before the commit: a kill that is cut short stays closed until its sender repeats it.
            tombstone = revision.model_dump_json(exclude={"article"}).encode()
            intake.content.put(keys.tombstone_key(site.id, identity), tombstone)
        try:
            intake.content.put(
                keys.revision_key(site.id, identity, name), revision.model_dump_json().encode(), unless_exists=True
            )
        except (PreconditionFailedError, StorageConflictError):
            # Somebody was here first, or our own answer was lost: what lies there tells, in the next round.
            names = intake.revisions.names(site.id, identity)
            continue
        return _commit(revision, reading, names, marker.at, site, intake)
    raise StorageConflictError(identity)


@dataclass(frozen=True, slots=True)
class _Marker:
    """A journal marker on its way into the bucket."""

    revision: str
    at: datetime
    is_there: Future[Etag]


def _mark(article: Article, identity: str, name: str, intake: Intake) -> _Marker:
    """Begin to write the marker that has to be there before the revision; one too many does no harm."""
    at = intake.clock()
    key = keys.journal_key(article.site, at, identity, name)
    return _Marker(name, at, intake.executor.submit(intake.content.put, key, b"", content_type="text/plain"))


def _commit(
    revision: Revision, reading: Reading, names: list[str], marked_at: datetime, site: Site, intake: Intake
) -> Accepted:
    """Do what follows the commit: a fresh marker if the first grew old, the receipt, the event."""
    identity, name, now = revision.article_id, revision.revision, intake.clock()
    if now - marked_at > _MARKER_GOOD_FOR:
        intake.content.put(keys.journal_key(site.id, now, identity, name), b"", content_type="text/plain")
    is_latest = not names or names[-1] < name
    is_removal = revision.status is not Status.USABLE
    status: AcceptedStatus = "accepted"
    if not is_latest:
        status = "superseded"
        if is_removal:
            log.warning("removal.superseded", site=site.id, article=identity, revision=name, latest=names[-1])
    elif revision.embargo_until and revision.embargo_until > now:
        status = "scheduled"

    accepted = _accepted(status, name, identity, reading, site)
    if is_removal and not is_latest:
        warning = "this removal is older than the latest revision and takes nothing down; send it with a newer stamp"
        report = accepted.report.model_copy(update={"warnings": (*accepted.report.warnings, warning)})
        accepted = accepted.model_copy(update={"report": report})
    intake.receipts.open(
        Receipt(
            receipt=accepted.receipt,
            site=site.id,
            article=identity,
            revision=name,
            status=Outcome(status),
            stages=(Stage(name=Outcome.ACCEPTED.value, at=revision.accepted_at),),
            report=accepted.report.model_dump(mode="json"),
        )
    )
    log.info("revision.accepted", site=site.id, article=identity, revision=name, status=status)
    if status != "scheduled":
        intake.announce([_event(revision, is_removal=is_removal, site=site)], site=site.id, article=identity)
    return accepted


def _event(revision: Revision, *, is_removal: bool, site: Site) -> ArticleAccepted | ArticleRemoved:
    """Return the hint. A superseded revision has one too: the article's address may be that of its earliest."""
    kind = ArticleRemoved if is_removal else ArticleAccepted
    return kind(
        message_id=uuid5(NAMESPACE_URL, receipt_id(site.id, revision.article_id, revision.revision)),
        lane=revision.lane,
        begun_at=revision.accepted_at,
        site=site.id,
        article=revision.article_id,
        revision=revision.revision,
    )


def _name(
    article: Article, sha256: str, identity: str, names: list[str], received_at: datetime, intake: Intake
) -> tuple[str | None, str]:
    """Return (the revision that already holds these very bytes or None, the name of a new revision).

    Stamped items carry their place in order; the same bytes can only be a revision of the same stamp and version. An
    unstamped item comes after what was there, and repeats it only if it is the same as the latest, or was accepted
    since it was received: then this is a submission that is read a second time.
    """
    stamp = article.version_created
    if stamp is None:
        for name in reversed(names):
            there = intake.revisions.get(article.site, identity, name)
            if there.raw_sha256 == sha256 and (name == names[-1] or there.accepted_at >= received_at):
                return name, ""
            if there.accepted_at < received_at:
                break
        latest = stamp_of(names[-1]) if names else None
        return None, revision_id(stamp_for(None, received_at, latest), article.version)
    first = revision_id(stamp, article.version)
    same_place = [name for name in names if name[:-3] == first[:-3]]
    for name in same_place:
        if intake.revisions.get(article.site, identity, name).raw_sha256 == sha256:
            return name, ""
    n = int(same_place[-1][-3:]) + 1 if same_place else 0
    if n > _MOST_UNDER_ONE_STAMP:
        detail = f"has come with more than {_MOST_UNDER_ONE_STAMP} different contents; send a newer stamp"
        raise unacceptable([Fault("/version_created", detail)])
    return None, revision_id(stamp, article.version, n)


def _dues(revision: Revision, received_at: datetime) -> list[datetime]:
    """Return the future times at which the article has to be looked at again."""
    times = (revision.embargo_until, revision.article.expires_at if revision.status is Status.USABLE else None)
    return [due for due in times if due is not None and due > received_at]


def _check_rights(article: Article, *, may_take_down: bool) -> None:
    if article.status is not Status.USABLE and not may_take_down:
        detail = f"status {article.status.value} takes an article down, which needs a token with the scope takedown"
        raise RefusedError(403, detail, [Fault("/status", detail)])


def _with_picture_facts(article: Article, intake: Intake) -> Article:
    """Return the article with the sizes of its lead picture as they were measured when it was uploaded."""
    picture = article.picture
    if picture is None or picture.media is None:
        return article
    head = intake.content.find_head(keys.media_key(article.site, picture.media))
    if head is None:
        detail = "is not a picture that was uploaded for this site; send its bytes to POST /v1/media first"
        raise unacceptable([Fault("/picture/media", detail)])
    facts = {
        "width": int(head.metadata["width"]),
        "height": int(head.metadata["height"]),
        "content_type": head.content_type,
    }
    return article.model_copy(update={"picture": picture.model_copy(update=facts)})


def _accepted(status: AcceptedStatus, revision: str, identity: str, reading: Reading, site: Site) -> Accepted:
    return Accepted(
        status=status,
        site=site.id,
        article=identity,
        revision=revision,
        receipt=receipt_id(site.id, identity, revision),
        report=reading.report,
    )
