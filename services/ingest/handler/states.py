"""How a submission and an article stand: from Redis where it remembers, from the bucket where it does not."""

from __future__ import annotations

from services.ingest.domain.states import ArticleState, PublishedPage, ReceiptState
from services.ingest.handler.intake import Intake
from shared import keys
from shared.article import Status
from shared.errors import RedisUnavailableError
from shared.history import Past, read_past
from shared.live import LiveRecord, read_record
from shared.receipts import Outcome, Receipt, receipt_id, revision_of_receipt
from shared.revision import Revision
from shared.sites import Site

_REMOVED = {Status.CANCELED: Outcome.KILLED, Status.WITHHELD: Outcome.WITHDRAWN}


def find_receipt_state(receipt: str, intake: Intake) -> ReceiptState | None:
    """Return how a submission stands, or None where nobody knows the receipt."""
    known = _remembered(receipt, intake)
    if known is not None and known.article and known.revision:  # read later: its revision has a receipt of its own
        own = receipt_id(known.site, known.article, known.revision)
        if own != receipt and known.status not in {Outcome.REFUSED, Outcome.FAILED}:
            found = find_receipt_state(own, intake)
            return found.model_copy(update={"receipt": receipt}) if found else None
    if known is not None and known.status.is_final:
        return _state(known)
    named = revision_of_receipt(receipt)
    if named is None:
        return _state(known) if known else None
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
    return ArticleState(
        site=site.id,
        article=article,
        source=facts.source,
        source_id=facts.source_id,
        headline=facts.headline,
        status=_status(latest, past, record, intake).value,
        revision=latest.revision,
        revisions=len(revisions),
        live_revision=record.revision,
        url=_url(site, record),
        paths=record.claimed,
        embargo_until=latest.embargo_until,
        expires_at=facts.expires_at,
    )


def _from_bucket(
    receipt: str, named: tuple[str, str, str], known: Receipt | None, intake: Intake
) -> ReceiptState | None:
    site_id, article, name = named
    site = intake.sites.get(site_id)
    if site is None or name not in intake.revisions.names(site_id, article):
        return None
    past = read_past(intake.revisions, site_id, article)
    record, _ = read_record(intake.content, site_id, article)
    revision = next(each for each in past.revisions if each.revision == name)
    status = _status(revision, past, record, intake)
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
    if revision.status is Status.USABLE and past.is_killed:
        return Outcome.KILLED
    seen = past.seen(intake.clock())
    if revision.embargo_until and revision.embargo_until > intake.clock():
        return Outcome.SCHEDULED if revision is past.revisions[-1] else Outcome.SUPERSEDED
    return Outcome.ACCEPTED if seen is revision else Outcome.SUPERSEDED


def _remembered(receipt: str, intake: Intake) -> Receipt | None:
    try:
        return intake.receipts.find(receipt)
    except RedisUnavailableError:
        return None  # the bucket knows


def _url(site: Site, record: LiveRecord) -> str | None:
    return f"{site.base_url}{keys.url_path(record.path)}" if record.path else None


def _state(receipt: Receipt) -> ReceiptState:
    return ReceiptState.model_validate(receipt.model_dump(mode="json"))
