"""How a submission and an article stand: from Redis where it remembers, from the bucket where it does not."""

from __future__ import annotations

from datetime import timedelta

from services.ingest.domain.states import ActionState, ArticleState, PublishedPage, ReceiptState
from services.ingest.handler.intake import Intake
from shared import keys
from shared.article import Status
from shared.errors import RedisUnavailableError
from shared.history import Past, read_past
from shared.live import LiveRecord, read_record
from shared.messages import SubmitArticle
from shared.receipts import Outcome, Receipt, Stage, receipt_id, revision_of_receipt
from shared.receipts.kept import find_kept_receipt
from shared.revision import Revision
from shared.sites import Site

_REMOVED = {Status.CANCELED: Outcome.KILLED, Status.WITHHELD: Outcome.WITHDRAWN}
_ENDED_BADLY = {Outcome.REFUSED, Outcome.FAILED}
_REASONS = {
    Outcome.KILLED: "a kill of this article stands; nothing of it is published until it is restored",
    Outcome.HELD: "a kill of this article was begun and not completed; send the kill again, or restore the article",
}
_QUIET_FOR = timedelta(seconds=10)  # of a younger receipt Redis would have been told if it had failed


def find_receipt_state(receipt: str, intake: Intake) -> ReceiptState | None:
    """Return how a submission stands, or None where nobody knows the receipt."""
    known = _remembered(receipt, intake)
    named = revision_of_receipt(receipt)
    if named is None:
        return _read_later(receipt, known, intake)
    if known is not None and known.status.is_final:
        return _state(known)
    return _from_bucket(receipt, named, known, intake)


def find_article_state(site: Site, article: str, intake: Intake) -> ArticleState | None:
    """Return how an article stands, or None where it is not known."""
    past = read_past(intake.revisions, site.id, article)
    revisions = past.revisions
    if not revisions:
        return None
    latest = revisions[-1]
    record, _ = read_record(intake.content, site.id, article)
    facts = latest.article
    status = _status(latest, past, record, intake)
    has_failed = not status.is_final and _failure(latest, intake) is not None
    return ArticleState(
        site=site.id,
        article=article,
        source=facts.source,
        source_id=facts.source_id,
        headline=facts.headline,
        status=Outcome.FAILED if has_failed else status,
        revision=latest.revision,
        revisions=len(revisions),
        live_revision=record.revision,
        url=_url(site, record),
        paths=record.claimed,
        embargo_until=latest.embargo_until,
        expires_at=facts.expires_at,
        actions=tuple(
            ActionState(**dict(each.action), at=each.accepted_at, revision=each.revision, text_of=each.text_of)
            for each in revisions
            if each.action
        ),
    )


def _read_later(receipt: str, known: Receipt | None, intake: Intake) -> ReceiptState | None:
    """Return how bytes stand that were answered before they were read: as their revision does, once they have one."""
    if known is None or known.revision is None:  # the bucket knows more: faults, or all where Redis has forgotten
        sites = [known.site] if known else list(intake.sites)
        kept = (find_kept_receipt(intake.content, site, receipt) for site in sites)
        unread = (_unread(site, receipt, intake) for site in sites)
        known = next(filter(None, kept), known) or next(filter(None, unread), None)
    if known is None or known.status in _ENDED_BADLY or not (known.article and known.revision):
        return _state(known) if known else None
    found = find_receipt_state(receipt_id(known.site, known.article, known.revision), intake)
    if found is None:
        return _state(known)
    return found.model_copy(update={"receipt": receipt, "report": found.report or _state(known).report})


def _unread(site: str, receipt: str, intake: Intake) -> Receipt | None:
    found = intake.content.find(keys.inbox_key(site, receipt))
    if found is None:
        return None
    message = SubmitArticle.model_validate_json(found.body)
    stages = (Stage(name=Outcome.ACCEPTED.value, at=message.received_at),)
    return Receipt(receipt=receipt, site=site, stages=stages)


def _from_bucket(
    receipt: str, named: tuple[str, str, str], known: Receipt | None, intake: Intake
) -> ReceiptState | None:
    site_id, article, name = named
    site = intake.sites.get(site_id)
    if site is None:
        return None
    past = read_past(intake.revisions, site_id, article)
    revision = next((each for each in past.revisions if each.revision == name), None)
    if revision is None:
        return None
    record, _ = read_record(intake.content, site_id, article)
    status = _status(revision, past, record, intake)
    is_quiet = known is None or not known.stages or intake.clock() - known.stages[-1].at > _QUIET_FOR
    if not status.is_final and is_quiet and (failure := _failure(revision, intake)):
        return _state(failure)
    if known is not None and not status.is_final:
        return _state(known)
    url = _url(site, record) if status is Outcome.LIVE else None
    page = record.pages.get(record.path or "")
    return ReceiptState(
        receipt=receipt,
        site=site_id,
        article=article,
        revision=name,
        status=status.value,
        url=url,
        reason=_REASONS.get(status) if revision.status is not Status.CANCELED else None,
        stages=_state(known).stages if known else (),
        pages=(PublishedPage(path=record.path or "", url=url, sha256=page.sha256),) if url and page else (),
        report=_state(known).report if known else None,
    )


def _status(revision: Revision, past: Past, record: LiveRecord, intake: Intake) -> Outcome:
    """Return a revision's status as the bucket alone tells it."""
    if revision.revision < record.settled_revision:
        return Outcome.SUPERSEDED
    if revision.revision == record.settled_revision:
        is_removed = record.removed_by == revision.revision
        return _REMOVED.get(revision.status_at(intake.clock()), Outcome.WITHDRAWN) if is_removed else Outcome.LIVE
    seen = past.seen(intake.clock())
    if past.is_killed and revision is not seen:
        return Outcome.KILLED if past.kill else Outcome.HELD
    if revision.embargo_until and revision.embargo_until > intake.clock():
        return Outcome.SCHEDULED if revision is past.revisions[-1] else Outcome.SUPERSEDED
    return Outcome.ACCEPTED if seen is revision else Outcome.SUPERSEDED


def _failure(revision: Revision, intake: Intake) -> Receipt | None:
    """Return what was kept of a revision that was given up as a dead letter; whatever settles it later counts more."""
    site = revision.article.site
    return find_kept_receipt(intake.content, site, receipt_id(site, revision.article_id, revision.revision))


def _remembered(receipt: str, intake: Intake) -> Receipt | None:
    try:
        return intake.receipts.find(receipt)
    except RedisUnavailableError:
        return None  # the bucket knows


def _url(site: Site, record: LiveRecord) -> str | None:
    return f"{site.base_url}{keys.url_path(record.path)}" if record.path else None


def _state(receipt: Receipt) -> ReceiptState:
    return ReceiptState.model_validate(receipt.model_dump(mode="json"))
