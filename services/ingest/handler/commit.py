"""The one way into the bucket, for what is posted and for what is done through the API (architecture part 4).

First the journal marker and the schedule, then a kill's tombstone or an unmatched removal's mark, then the revision,
which is the commit. The caller sends the event (`emit_events.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.ingest.domain.accepted import Accepted, AcceptedStatus
from services.ingest.domain.outcomes import why_no_page
from services.ingest.domain.report import Report
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.removals import arrived_before_text, clear_unmatched, is_superseded, mark_removal
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

_TRIES = 32  # twenty senders of one article at the same moment have been seen to need nine
_MARKER_GOOD_FOR = timedelta(seconds=60)
_TOO_OLD = "this removal is older than the latest revision and takes nothing down; send it with a newer stamp"
_KILLED = "a kill of this article stands: this revision is kept and not published until the article is restored"


@dataclass(frozen=True, slots=True)
class RawBytes:
    """The place of the bytes that a revision was read from; `range` (first byte, length) in an object of several."""

    sha256: str
    key: str
    range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to become a revision."""

    name: str
    article: Article
    raw: RawBytes
    report: Report
    lane: Lane = Lane.LIVE
    action: Action | None = None
    text_of: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The revision that already says what was to be said."""

    revision: Revision
    report: Report


@dataclass(frozen=True, slots=True)
class Committed:
    """The outcome of a submission, and what has to be said of it.

    `receipt` is to be opened: of a revision that is new. `has_event`: an event of the revision is to be sent.
    """

    accepted: Accepted
    revision: Revision
    has_event: bool
    receipt: Receipt | None = None


Propose = Callable[[RevisionsAfter], Proposal | Duplicate]
"""Says what to commit, given what there is; asked again where somebody else was quicker."""


def lane_of(status: Status, lane: Lane) -> Lane:
    """Return the lane of a revision that came in `lane`: a removal is urgent."""
    return lane if status is Status.USABLE else Lane.URGENT


@dataclass(frozen=True, slots=True)
class Marker:
    """A journal marker on its way into the bucket."""

    revision: str
    at: datetime
    is_there: Future[Etag]


def write_journal_marker(site: str, article: str, revision: str, lane: Lane, deps: IngestDeps) -> Marker:
    """Begin to write the marker that has to be there before the revision; one too many does no harm."""
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
    raw_kept: Future[Etag] | None = None,
) -> Committed:
    """Store what is proposed for good; return what became of it, which is not announced yet.

    Raises:
        StorageUnavailableError: the store does not take it now. Nothing was accepted, or the same again will be found
            to be a duplicate.
        StorageConflictError: others were quicker, again and again.
    """
    for _ in range(_TRIES):
        since = deps.revisions.since(site.id, article, "")
        proposal = propose(since)
        if isinstance(proposal, Duplicate):
            if raw_kept is not None:
                raw_kept.result()
            return _answer_again(proposal, since, deps)
        name = proposal.name
        if marker is None or marker.revision != name:
            marker = write_journal_marker(site.id, article, name, _lane(proposal), deps)
        revision = _revision(proposal, article, deps.clock())
        for due in _dues(revision, received_at):
            deps.content.put(keys.schedule_key(site.id, due, article, name), b"", content_type="text/plain")
        marker.is_there.result()
        if raw_kept is not None:
            raw_kept.result()
        is_unmatched = arrived_before_text(revision, since, deps)
        mark_removal(revision, since, site, deps, is_unmatched=is_unmatched)
        try:
            deps.content.put(
                keys.revision_key(site.id, article, name), revision.model_dump_json().encode(), unless_exists=True
            )
        except (PreconditionFailedError, StorageConflictError):
            continue  # somebody was here first, or our own answer was lost: what lies there tells, in the next round
        if deps.clock() - marker.at > _MARKER_GOOD_FOR:
            write_journal_marker(site.id, article, name, revision.lane, deps).is_there.result()
        return _committed(revision, proposal.report, since, site, deps, is_unmatched=is_unmatched)
    raise StorageConflictError(article)


def _answer_again(duplicate: Duplicate, since: RevisionsAfter, deps: IngestDeps) -> Committed:
    """Return the outcome of a submission that is stored already.

    A removal is announced once more: the answer to its first sending may have been lost together with its event.
    """
    revision = duplicate.revision
    site, article = revision.article.site, revision.article_id
    history = read_history(deps.revisions, site, article, since) if since.unmatched else History((revision,))
    status: AcceptedStatus = "duplicate"
    if history.is_held(revision):
        status = "held"
    elif any(each.revision == revision.revision for each in history.unmatched_in_force):
        status = "unmatched"
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
    )


def _lane(proposal: Proposal) -> Lane:
    return lane_of(proposal.article.status, proposal.lane)


def _dues(revision: Revision, received_at: datetime) -> list[datetime]:
    """Return the future times at which the article has to be looked at again."""
    times = (revision.embargo_until, revision.article.expires_at if revision.status is Status.USABLE else None)
    return [due for due in times if due is not None and due > received_at]


def _committed(
    revision: Revision, report: Report, since: RevisionsAfter, site: Site, deps: IngestDeps, *, is_unmatched: bool
) -> Committed:
    """Return the outcome of a revision that was committed, and its receipt."""
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
        stages=(Stage(name=ReceiptStatus.ACCEPTED.value, at=revision.accepted_at),),
        report=report.model_dump(mode="json"),
    )
    log.info("revision.accepted", site=site.id, article=article, revision=name, status=status)
    return Committed(accepted, revision, has_event=status != "scheduled", receipt=receipt)


def _status(revision: Revision, since: RevisionsAfter, deps: IngestDeps, *, is_unmatched: bool) -> AcceptedStatus:
    if is_superseded(revision, since):
        return "superseded"
    if is_unmatched:
        return "unmatched"
    if since.unmatched:
        site, article = revision.article.site, revision.article_id
        history = read_history(deps.revisions, site, article)
        clear_unmatched(site, article, history, deps)
        if history.is_held(revision):
            return "held"
    if revision.status is Status.CANCELED:
        # A restore that was made meanwhile overrules it by order, and whoever kills has to know.
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
        reason=why_no_page(ReceiptStatus(status), revision),
        text_of=revision.text_of,
    )
