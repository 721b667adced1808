"""The states of submissions and articles, from Redis and, if it has no receipt, from the bucket."""

from __future__ import annotations

from datetime import timedelta

from services.ingest.domain.outcomes import reason_without_page
from services.ingest.domain.states import ActionState, ArticleState, EntryState, PublishedPage, ReceiptState
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.enrichers_warnings import find_warnings, with_enrichers_warnings
from shared.model.article import Status
from shared.model.history import History, read_history
from shared.model.live_record import LiveRecord, read_record
from shared.model.revision import Revision
from shared.reconcile.outcomes import status_of
from shared.runtime import inbox
from shared.runtime.errors import RedisUnavailableError
from shared.runtime.receipts import (
    Receipt,
    ReceiptStatus,
    Stage,
    receipt_id,
    revision_of_receipt,
    status_of_entries,
)
from shared.runtime.receipts.stored import find_stored_receipt
from shared.site import keys
from shared.site.sites import Site

_FAILED_STATUSES = {ReceiptStatus.REFUSED, ReceiptStatus.FAILED}
_UNCHANGING_STATUSES = {ReceiptStatus.REFUSED, ReceiptStatus.DUPLICATE, ReceiptStatus.FAILED}
"""Final statuses that no later revision, removal or restore changes."""
_MIN_FAILURE_AGE = timedelta(seconds=10)  # a failure of a younger receipt is in Redis


def find_receipt_state(receipt: str, deps: IngestDeps, *, is_awaited: bool = False) -> ReceiptState | None:
    """Return the state of a submission, or None if the receipt is unknown.

    Redis has the stages. The bucket decides the status, because a live article may have been killed since.
    A sender that waits for the page (`is_awaited`) gets the publisher's `live` from Redis.
    """
    return with_enrichers_warnings(_find_receipt_state(receipt, deps, is_awaited=is_awaited), deps)


def _find_receipt_state(receipt: str, deps: IngestDeps, *, is_awaited: bool = False) -> ReceiptState | None:
    known = _find_in_redis(receipt, deps)
    named = revision_of_receipt(receipt)
    if named is None:
        return _state_of_bytes(receipt, known, deps)
    if known is not None and (
        known.status in _UNCHANGING_STATUSES or (known.status is ReceiptStatus.LIVE and is_awaited)
    ):
        return _state(known)
    return _from_bucket(receipt, named, known, deps)


def find_article_state(site: Site, article: str, deps: IngestDeps) -> ArticleState | None:
    """Return the state of an article, or None if it is unknown."""
    history = read_history(deps.revisions, site.id, article)
    revisions = history.revisions
    if not revisions:
        return None
    latest = revisions[-1]
    record, _ = read_record(deps.content, site.id, article)
    facts = latest.article
    status = status_of(latest, history, record, deps.clock())
    has_failed = not status.is_final and _failure(latest, deps) is not None
    return ArticleState(
        site=site.id,
        article=article,
        source=facts.source,
        source_id=facts.source_id,
        headline=facts.headline,
        status=ReceiptStatus.FAILED if has_failed else status,
        revision=latest.revision,
        revisions=len(revisions),
        live_revision=record.revision,
        url=_url(site, record),
        paths=record.claimed,
        embargo_until=latest.embargo_until,
        expires_at=facts.expires_at,
        warnings=find_warnings(site.id, article, latest.revision, deps),
        actions=tuple(
            ActionState(**dict(each.action), at=each.accepted_at, revision=each.revision, text_of=each.text_of)
            for each in revisions
            if each.action
        ),
    )


def _state_of_bytes(receipt: str, known: Receipt | None, deps: IngestDeps) -> ReceiptState | None:
    """Return the state of bytes that a worker reads later: once they have a revision, the revision's state."""
    if known is None or known.revision is None:  # the bucket may have the faults, or the receipt that Redis lost
        sites = [known.site] if known else list(deps.sites)
        stored = (find_stored_receipt(deps.content, site, receipt) for site in sites)
        unread = (_unread_receipt(site, receipt, deps) for site in sites)
        known = next(filter(None, stored), known) or next(filter(None, unread), None)
    if known is not None and known.entries:
        return _state_of_entries(known, deps)
    if known is None or known.status in _FAILED_STATUSES or not (known.article and known.revision):
        return _state(known) if known else None
    found = _find_receipt_state(receipt_id(known.site, known.article, known.revision), deps)
    if found is None:
        return _state(known)
    return found.model_copy(update={"receipt": receipt, "report": found.report or _state(known).report})


def _state_of_entries(document: Receipt, deps: IngestDeps) -> ReceiptState:
    """Return the state of a document with several entries: each article's present state, and the others' outcomes."""
    states = deps.executor.map(
        lambda entry: _find_receipt_state(entry.receipt, deps) if entry.receipt else None, document.entries
    )
    entries = []
    for entry, state in zip(document.entries, states, strict=True):
        found = {"status": state.status, "article": state.article, "url": state.url} if state else {}
        reason = state.reason if state else entry.reason
        entries.append(EntryState.model_validate({**entry.model_dump(mode="json"), **found, "reason": reason}))
    status = status_of_entries([each.status for each in entries])
    url = next((each.url for each in entries if each.url), None)
    return _state(document).model_copy(update={"status": status, "url": url, "entries": tuple(entries)})


def _unread_receipt(site: str, receipt: str, deps: IngestDeps) -> Receipt | None:
    entry = inbox.find_entry(deps.content, site, receipt)
    if entry is None:
        return None
    stages = (Stage(name=ReceiptStatus.ACCEPTED.value, at=entry.submissions[0].received_at),)
    return Receipt(receipt=receipt, site=site, stages=stages)


def _from_bucket(
    receipt: str, named: tuple[str, str, str], known: Receipt | None, deps: IngestDeps
) -> ReceiptState | None:
    site_id, article, name = named
    site = deps.sites.get(site_id)
    if site is None:
        return None
    history = read_history(deps.revisions, site_id, article)
    revision = next((each for each in history.revisions if each.revision == name), None)
    if revision is None:
        return None
    record, _ = read_record(deps.content, site_id, article)
    status = status_of(revision, history, record, deps.clock())
    if (
        known is not None
        and known.status is ReceiptStatus.LIVE
        and status is ReceiptStatus.SUPERSEDED
        and record.revision
    ):
        return _state(known)  # it was live, and a newer revision is live now
    may_have_failed = known is None or not known.stages or deps.clock() - known.stages[-1].at > _MIN_FAILURE_AGE
    if not status.is_final and may_have_failed and (failure := _failure(revision, deps)):
        return _state(failure)
    if known is not None and not status.is_final:
        waits_for = _waits_for(revision, history, record, known, site, deps)
        current = {"status": status, "reason": None} if known.status.is_final else {}
        return _state(known).model_copy(update={**current, "waits_for": waits_for})
    near_matches = deps.sources.near_matches(revision) if status is ReceiptStatus.UNMATCHED else ()
    url = _url(site, record) if status is ReceiptStatus.LIVE else None
    page = record.pages.get(record.path or "")
    return ReceiptState(
        receipt=receipt,
        site=site_id,
        article=article,
        revision=name,
        status=status.value,
        url=url,
        reason=reason_without_page(status, revision, near_matches, history),
        near_matches=near_matches,
        waits_for=() if status.is_final else _waits_for(revision, history, record, known, site, deps),
        stages=_state(known).stages if known else (),
        pages=(PublishedPage(path=record.path or "", url=url, sha256=page.sha256),) if url and page else (),
        report=_state(known).report if known else None,
    )


def _waits_for(
    revision: Revision, history: History, record: LiveRecord, known: Receipt | None, site: Site, deps: IngestDeps
) -> tuple[str, ...]:
    """Return the URLs that the edge does not answer with 410 yet; none unless the revision is the removal in force."""
    visible = history.visible(deps.clock())
    if visible is not revision or revision.status_at(deps.clock()) is Status.USABLE:
        return ()
    return (known.waits_for if known else ()) or tuple(site.base_url + keys.url_path(path) for path in record.claimed)


def _failure(revision: Revision, deps: IngestDeps) -> Receipt | None:
    """Return the stored receipt of a dead-lettered revision, or None; a final status from the bucket wins over it."""
    site = revision.article.site
    return find_stored_receipt(deps.content, site, receipt_id(site, revision.article_id, revision.revision))


def _find_in_redis(receipt: str, deps: IngestDeps) -> Receipt | None:
    try:
        return deps.receipts.find(receipt)
    except RedisUnavailableError:
        return None  # the bucket has the status


def _url(site: Site, record: LiveRecord) -> str | None:
    return f"{site.base_url}{keys.url_path(record.path)}" if record.path else None


def _state(receipt: Receipt) -> ReceiptState:
    return ReceiptState.model_validate(receipt.model_dump(mode="json"))
