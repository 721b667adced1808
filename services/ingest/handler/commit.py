"""Commits revisions to the content bucket: articles, and actions through the API (ADR 1).

The order of writes: journal marker and schedule, then the tombstone of a kill or the object of an unmatched removal,
then the revision, which is the commit. The caller emits the event (`events.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.ingest.domain.accepted import Accepted, AcceptedStatus
from services.ingest.domain.outcomes import reason_without_page
from services.ingest.domain.report import Report
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.removals import arrived_before_text, clear_unmatched, is_superseded, put_removal_objects
from shared.model.article import Article, Status
from shared.model.history import History, RevisionsAfter, read_history
from shared.model.lane import Lane
from shared.model.revision import Action, Revision
from shared.runtime.errors import PreconditionFailedError, StorageConflictError
from shared.runtime.receipts import Receipt, ReceiptStatus, Stage, receipt_id
from shared.site import keys
from shared.site.sites import Site
from shared.storage import Etag

log = structlog.get_logger()

_MAX_ATTEMPTS = 32  # twenty concurrent senders of one article needed nine in a test
_MAX_MARKER_AGE = timedelta(seconds=60)
_TOO_OLD = "this removal is older than the latest revision and has no effect; send it with a newer stamp"
_KILLED = "a kill of this article is in force: this revision is stored and not published until the article is restored"


@dataclass(frozen=True, slots=True)
class RawBytes:
    """The stored bytes of a revision; `range` (first byte, length) if their object holds several items."""

    sha256: str
    key: str
    range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The content of a new revision."""

    name: str
    article: Article
    raw: RawBytes
    report: Report
    lane: Lane = Lane.LIVE
    action: Action | None = None
    text_of: str | None = None
    held_because: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The existing revision with the same content or effect."""

    revision: Revision
    report: Report


@dataclass(frozen=True, slots=True)
class Committed:
    """The result of a submission.

    `receipt`: the receipt of a new revision, which the caller opens. `has_event`: the caller emits an event.
    """

    accepted: Accepted
    revision: Revision
    has_event: bool
    receipt: Receipt | None = None


Propose = Callable[[RevisionsAfter], Proposal | Duplicate]
"""Returns the content to commit for the existing revisions; called again after a conflict with another writer."""


def lane_of(status: Status, lane: Lane) -> Lane:
    """Return the lane of a revision that was submitted in `lane`; removals are urgent."""
    return lane if status is Status.USABLE else Lane.URGENT


@dataclass(frozen=True, slots=True)
class Marker:
    """A journal marker and its unfinished PUT."""

    revision: str
    at: datetime
    put: Future[Etag]


def write_journal_marker(site: str, article: str, revision: str, lane: Lane, deps: IngestDeps) -> Marker:
    """Start to write the marker, which must exist before the revision; a superfluous one does no harm."""
    at = deps.clock()
    key = keys.journal_key(site, at, article, revision, lane)
    return Marker(revision, at, deps.executor.submit(deps.content.put, key, b"", content_type="text/plain"))


def commit(
    propose: Propose,
    *,
    site: Site,
    article: str,
    received_at: datetime,
    deps: IngestDeps,
    marker: Marker | None = None,
    raw_put: Future[Etag] | None = None,
) -> Committed:
    """Commit the proposed revision; return the result. The caller emits the event.

    Raises:
        StorageUnavailableError: the store does not answer. Nothing was accepted, or the same submission again is a
            duplicate.
        StorageConflictError: every attempt met another writer.
    """
    for _ in range(_MAX_ATTEMPTS):
        since = deps.revisions.since(site.id, article, "")
        proposal = propose(since)
        if isinstance(proposal, Duplicate):
            if raw_put is not None:
                raw_put.result()
            return _committed_before(proposal, since, deps)
        name = proposal.name
        if marker is None or marker.revision != name:
            marker = write_journal_marker(site.id, article, name, _lane(proposal), deps)
        revision = _revision(proposal, article, deps.clock())
        for due in _due_times(revision, received_at):
            deps.content.put(keys.schedule_key(site.id, due, article, name), b"", content_type="text/plain")
        marker.put.result()
        if raw_put is not None:
            raw_put.result()
        is_unmatched = arrived_before_text(revision, since, deps)
        put_removal_objects(revision, since, site, deps, is_unmatched=is_unmatched)
        try:
            deps.content.put(
                keys.revision_key(site.id, article, name), revision.model_dump_json().encode(), unless_exists=True
            )
        except (PreconditionFailedError, StorageConflictError):
            continue  # another writer, or our own PUT whose answer was lost: read again
        if deps.clock() - marker.at > _MAX_MARKER_AGE:
            write_journal_marker(site.id, article, name, revision.lane, deps).put.result()
        return _committed(revision, proposal.report, since, site, deps, is_unmatched=is_unmatched)
    raise StorageConflictError(article)


def _committed_before(duplicate: Duplicate, since: RevisionsAfter, deps: IngestDeps) -> Committed:
    """Return the result of a submission that is stored already.

    A removal's event is emitted again, because the first event may have been lost together with the first answer.
    """
    revision = duplicate.revision
    site, article = revision.article.site, revision.article_id
    history = read_history(deps.revisions, site, article, since) if since.unmatched else History((revision,))
    status: AcceptedStatus = "duplicate"
    if history.is_held(revision):
        status = "held"
    elif any(each.revision == revision.revision for each in history.unmatched_in_force):
        status = "held" if revision.held_because else "unmatched"
    accepted = _accepted(status, revision, duplicate.report)
    return Committed(accepted, revision, has_event=revision.status is not Status.USABLE)


def _revision(proposal: Proposal, article: str, now: datetime) -> Revision:
    status = proposal.article.status
    return Revision(
        article_id=article,
        revision=proposal.name,
        status=status,
        lane=_lane(proposal),
        accepted_at=now,
        raw_sha256=proposal.raw.sha256,
        raw_key=proposal.raw.key,
        raw_range=proposal.raw.range,
        article=proposal.article,
        action=proposal.action,
        text_of=proposal.text_of,
        held_because=proposal.held_because,
    )


def _lane(proposal: Proposal) -> Lane:
    return lane_of(proposal.article.status, proposal.lane)


def _due_times(revision: Revision, received_at: datetime) -> list[datetime]:
    """Return the future times at which the article changes: the end of its embargo, and its expiry."""
    times = (revision.embargo_until, revision.article.expires_at if revision.status is Status.USABLE else None)
    return [due for due in times if due is not None and due > received_at]


def _committed(
    revision: Revision, report: Report, since: RevisionsAfter, site: Site, deps: IngestDeps, *, is_unmatched: bool
) -> Committed:
    """Return the result of a new revision, with its receipt."""
    article, name = revision.article_id, revision.revision
    status = _status(revision, since, deps, is_unmatched=is_unmatched)
    if status == "superseded" and revision.status is not Status.USABLE:
        log.warning("removal.superseded", site=site.id, article=article, revision=name)
        report = report.with_warning(_TOO_OLD)
    if since.kills and revision.status is Status.USABLE and read_history(deps.revisions, site.id, article).is_killed:
        report = report.with_warning(_KILLED)
    accepted = _accepted(status, revision, report)
    receipt = Receipt(
        receipt=receipt_id(site.id, article, name),
        site=site.id,
        article=article,
        revision=name,
        status=ReceiptStatus(status),
        reason=accepted.reason,
        stages=tuple(
            Stage(name=stage, at=revision.accepted_at)
            for stage in dict.fromkeys((ReceiptStatus.ACCEPTED.value, status))
        ),
        report=report.model_dump(mode="json"),
    )
    log.info("revision.accepted", site=site.id, article=article, revision=name, status=status)
    return Committed(accepted, revision, has_event=status != "scheduled", receipt=receipt)


def _status(revision: Revision, since: RevisionsAfter, deps: IngestDeps, *, is_unmatched: bool) -> AcceptedStatus:
    if is_superseded(revision, since):
        return "superseded"
    if is_unmatched:
        return "held" if revision.held_because else "unmatched"
    if since.unmatched:
        site, article = revision.article.site, revision.article_id
        history = read_history(deps.revisions, site, article)
        clear_unmatched(site, article, history, deps)
        if history.is_held(revision):
            return "held"
    if revision.status is Status.CANCELED:
        # A restore that came meanwhile overrules this kill, and the sender must know.
        kill = read_history(deps.revisions, revision.article.site, revision.article_id).kill
        return "accepted" if kill else "superseded"
    if revision.embargo_until and revision.embargo_until > deps.clock():
        return "scheduled"
    return "accepted"


def _accepted(status: AcceptedStatus, revision: Revision, report: Report) -> Accepted:
    site, article, name = revision.article.site, revision.article_id, revision.revision
    return Accepted(
        status=status,
        site=site,
        article=article,
        revision=name,
        receipt=receipt_id(site, article, name),
        report=report,
        reason=reason_without_page(ReceiptStatus(status), revision),
        text_of=revision.text_of,
    )
