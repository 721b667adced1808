"""The one way into the bucket, for what is posted and for what is done through the API (architecture part 4).

First the journal marker and the schedule, then a kill's tombstone or an unmatched removal's mark, then the revision,
which is the commit. The event follows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import structlog

from services.ingest.domain.accepted import Accepted, AcceptedStatus
from services.ingest.domain.outcomes import why_no_page
from services.ingest.domain.report import Report
from services.ingest.handler.intake import Intake
from shared import keys
from shared.article import Article, Status
from shared.errors import OutageError, PreconditionFailedError, StorageConflictError
from shared.history import Past, Since, read_past
from shared.messages import ArticleAccepted, ArticleRemoved, Lane
from shared.receipts import Outcome, Receipt, Stage, receipt_id
from shared.revision import Action, Revision
from shared.sites import Site
from shared.storage import Etag

log = structlog.get_logger()

_TRIES = 32  # twenty senders of one article at the same moment have been seen to need nine
_MARKER_GOOD_FOR = timedelta(seconds=60)
_TOO_OLD = "this removal is older than the latest revision and takes nothing down; send it with a newer stamp"
_KILLED = "a kill of this article stands: this revision is kept and not published until the article is restored"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to become a revision."""

    name: str
    article: Article
    raw_sha256: str
    raw_key: str
    report: Report
    lane: Lane = Lane.LIVE
    action: Action | None = None
    text_of: str | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """The revision that already says what was to be said."""

    revision: Revision
    report: Report


Propose = Callable[[Since], Proposal | Twin]
"""Says what to commit, given what there is; asked again where somebody else was quicker."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A journal marker on its way into the bucket."""

    revision: str
    at: datetime
    is_there: Future[Etag]


def mark(site: str, article: str, revision: str, intake: Intake) -> Marker:
    """Begin to write the marker that has to be there before the revision; one too many does no harm."""
    at = intake.clock()
    key = keys.journal_key(site, at, article, revision)
    return Marker(revision, at, intake.executor.submit(intake.content.put, key, b"", content_type="text/plain"))


def commit(
    propose: Propose,
    *,
    site: Site,
    article: str,
    received_at: datetime,
    intake: Intake,
    marker: Marker | None = None,
    raw_kept: Future[Etag] | None = None,
) -> Accepted:
    """Store what is proposed for good, then announce it; return what became of it.

    Raises:
        StorageUnavailableError: the store does not take it now. Nothing was accepted, or the same again will be found
            to be a duplicate.
        StorageConflictError: others were quicker, again and again.
    """
    for _ in range(_TRIES):
        since = intake.revisions.since(site.id, article, "")
        proposal = propose(since)
        if isinstance(proposal, Twin):
            if raw_kept is not None:
                raw_kept.result()
            return _answer_again(proposal, since, intake)
        name = proposal.name
        if marker is None or marker.revision != name:
            marker = mark(site.id, article, name, intake)
        revision = _revision(proposal, article, intake.clock())
        for due in _dues(revision, received_at):
            intake.content.put(keys.schedule_key(site.id, due, article, name), b"", content_type="text/plain")
        marker.is_there.result()
        if raw_kept is not None:
            raw_kept.result()
        is_unmatched = _is_unmatched(revision, since, intake)
        _mark_removal(revision, since, site, intake, is_unmatched=is_unmatched)
        try:
            intake.content.put(
                keys.revision_key(site.id, article, name), revision.model_dump_json().encode(), unless_exists=True
            )
        except (PreconditionFailedError, StorageConflictError):
            continue  # somebody was here first, or our own answer was lost: what lies there tells, in the next round
        if intake.clock() - marker.at > _MARKER_GOOD_FOR:
            mark(site.id, article, name, intake).is_there.result()
        return _tell(revision, proposal.report, since, site, intake, is_unmatched=is_unmatched)
    raise StorageConflictError(article)


def _mark_removal(revision: Revision, since: Since, site: Site, intake: Intake, *, is_unmatched: bool) -> None:
    """Mark a removal that is the latest word on its article: as unmatched, or as a kill by a tombstone."""
    if is_unmatched:
        _put_unmatched(revision, intake)
    elif revision.status is Status.CANCELED and not _is_superseded(revision, since):
        _put_tombstone(revision, site, intake)


def _is_superseded(revision: Revision, since: Since) -> bool:
    return bool(since.names) and since.names[-1] > revision.revision


def _put_tombstone(kill: Revision, site: Site, intake: Intake) -> None:
    """Close the article before the commit: a kill that is cut short stays closed until its sender repeats it.

    Under the one key too by which workers from before each kill had its own know that one stands.
    """
    body = kill.model_dump_json(exclude={"article"}).encode()
    for name in (kill.revision, ""):
        intake.content.put(keys.tombstone_key(site.id, kill.article_id, name), body)


def _is_unmatched(revision: Revision, since: Since, intake: Intake) -> bool:
    """Tell whether a removal, a sender's or an operator's, arrived before any text of its article."""
    is_restore = revision.action is not None and revision.action.kind == "restore"
    if revision.status is Status.USABLE or is_restore or since.kills or _is_superseded(revision, since):
        return False
    site, article = revision.article.site, revision.article_id
    return all(intake.revisions.get(site, article, name).status is not Status.USABLE for name in since.names)


def _put_unmatched(removal: Revision, intake: Intake) -> None:
    """Mark the removal as unmatched before its commit: for its article's readers, and where an operator counts them."""
    site, article, name = removal.article.site, removal.article_id, removal.revision
    for key in (keys.unmatched_removal_key(site, article, name), keys.unmatched_key(site, article, name)):
        intake.content.put(key, b"", content_type="text/plain")


def _clear_unmatched(site: str, article: str, past: Past, intake: Intake) -> None:
    """Delete the marks of unmatched removals that are in force no more; one that stays has no effect on readers.

    A removal whose revision is not there yet is being committed: its mark stays.
    """
    in_force = {each.revision for each in past.unmatched_in_force}
    committed = {each.revision for each in past.revisions}
    try:
        for name in past.unmatched:
            if name in committed and name not in in_force:
                intake.content.delete(keys.unmatched_key(site, article, name))
                intake.content.delete(keys.unmatched_removal_key(site, article, name))
    except OutageError as error:
        log.warning("unmatched_removal.left", site=site, article=article, reason=str(error))


def _answer_again(twin: Twin, since: Since, intake: Intake) -> Accepted:
    """Return the outcome of a submission that is stored already.

    A removal is announced once more: the answer to its first sending may have been lost together with its event.
    """
    revision, report = twin.revision, twin.report
    site, article = revision.article.site, revision.article_id
    if revision.status is not Status.USABLE:
        delay = intake.announce([_event(revision, site=site)], site=site, subject=article)
        report = report.with_warning(delay) if delay else report
    past = read_past(intake.revisions, site, article, since) if since.unmatched else Past((revision,))
    if past.is_held(revision):
        return _accepted("held", revision, report)
    if any(each.revision == revision.revision for each in past.unmatched_in_force):
        return _with_near_matches(_accepted("unmatched", revision, report), revision, intake)
    return _accepted("duplicate", revision, report)


def _with_near_matches(accepted: Accepted, removal: Revision, intake: Intake) -> Accepted:
    """Return the outcome of an unmatched removal with the articles that it may have meant."""
    found = intake.sources.near_matches(removal)
    reason = why_no_page(Outcome(accepted.status), removal, found)
    return accepted.model_copy(update={"near_matches": found, "reason": reason})


def _revision(proposal: Proposal, article: str, now: datetime) -> Revision:
    status = proposal.article.status
    return Revision(
        article_id=article,
        revision=proposal.name,
        status=status,
        lane=Lane.URGENT if status is not Status.USABLE else proposal.lane,
        accepted_at=now,
        raw_sha256=proposal.raw_sha256,
        raw_key=proposal.raw_key,
        article=proposal.article,
        action=proposal.action,
        text_of=proposal.text_of,
    )


def _dues(revision: Revision, received_at: datetime) -> list[datetime]:
    """Return the future times at which the article has to be looked at again."""
    times = (revision.embargo_until, revision.article.expires_at if revision.status is Status.USABLE else None)
    return [due for due in times if due is not None and due > received_at]


def _tell(
    revision: Revision, report: Report, since: Since, site: Site, intake: Intake, *, is_unmatched: bool
) -> Accepted:
    """Open the receipt, announce what was committed, and return what its sender is told."""
    article, name = revision.article_id, revision.revision
    status = _status(revision, since, intake, is_unmatched=is_unmatched)
    if status == "superseded" and revision.status is not Status.USABLE:
        log.warning("removal.superseded", site=site.id, article=article, revision=name)
        report = report.with_warning(_TOO_OLD)
    if since.kills and revision.status is Status.USABLE and read_past(intake.revisions, site.id, article).is_killed:
        report = report.with_warning(_KILLED)
    accepted = _accepted(status, revision, report)
    receipt = Receipt(
        receipt=receipt_id(site.id, article, name),
        site=site.id,
        article=article,
        revision=name,
        status=Outcome(status),
        reason=accepted.reason,
        stages=(Stage(name=Outcome.ACCEPTED.value, at=revision.accepted_at),),
        report=report.model_dump(mode="json"),
    )
    log.info("revision.accepted", site=site.id, article=article, revision=name, status=status)
    if status == "scheduled":
        intake.receipts.open(receipt)
        return accepted
    delay = intake.announce([_event(revision, site=site.id)], site=site.id, subject=article, receipt=receipt)
    accepted = accepted.model_copy(update={"report": report.with_warning(delay)}) if delay else accepted
    return _with_near_matches(accepted, revision, intake) if is_unmatched else accepted


def _status(revision: Revision, since: Since, intake: Intake, *, is_unmatched: bool) -> AcceptedStatus:
    if _is_superseded(revision, since):
        return "superseded"
    if is_unmatched:
        return "unmatched"
    if since.unmatched:
        site, article = revision.article.site, revision.article_id
        past = read_past(intake.revisions, site, article)
        _clear_unmatched(site, article, past, intake)
        if past.is_held(revision):
            return "held"
    if revision.status is Status.CANCELED:
        # A restore that was made meanwhile overrules it by order, and whoever kills has to know.
        kill = read_past(intake.revisions, revision.article.site, revision.article_id).kill
        return "accepted" if kill else "superseded"
    if revision.embargo_until and revision.embargo_until > intake.clock():
        return "scheduled"
    return "accepted"


def _event(revision: Revision, *, site: str) -> ArticleAccepted | ArticleRemoved:
    """Return the hint. A superseded revision has one too: the article's address may be that of its earliest."""
    kind = ArticleAccepted if revision.status is Status.USABLE else ArticleRemoved
    return kind(
        message_id=uuid5(NAMESPACE_URL, receipt_id(site, revision.article_id, revision.revision)),
        lane=revision.lane,
        begun_at=revision.accepted_at,
        site=site,
        article=revision.article_id,
        revision=revision.revision,
    )


def _accepted(status: AcceptedStatus, revision: Revision, report: Report) -> Accepted:
    site, article, name = revision.article.site, revision.article_id, revision.revision
    return Accepted(
        status=status,
        site=site,
        article=article,
        revision=name,
        receipt=receipt_id(site, article, name),
        report=report,
        reason=why_no_page(Outcome(status), revision),
        text_of=revision.text_of,
    )
