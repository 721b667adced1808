"""Reads the entries of a document, and states the outcome of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.ingest.domain.accepted import EntryOutcome
from services.ingest.domain.refusal import Fault, RefusedError
from services.ingest.domain.report import Report
from services.ingest.handler.commit import Committed, RawBytes
from services.ingest.handler.deps import IngestDeps
from services.ingest.ports import Reading, SetAside, SubmissionMetadata
from shared.model.article import Article, Status
from shared.model.lane import Lane
from shared.runtime.receipts import Receipt, ReceiptEntry, ReceiptFault, ReceiptStatus, Stage, status_of_entries
from shared.site import keys
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class Item:
    """An article that was read from bytes and is to be committed.

    `held_because`: the sender's system does not show it now, so it is withheld. `same_as`: the article of which it is a
    revision, if this is not the article of its own id.
    """

    article: Article
    report: Report
    raw: RawBytes
    site: Site
    received_at: datetime
    lane: Lane
    held_because: str = ""
    same_as: str = ""

    @property
    def article_id(self) -> str:
        """Return the article's id."""
        return self.same_as or keys.article_id(self.site.id, self.article.source, self.article.source_id)


Part = Item | SetAside


def read_acceptable(raw: bytes, place: RawBytes, metadata: SubmissionMetadata, deps: IngestDeps) -> list[Part]:
    """Return the entries as `read_parts` does; at least one is acceptable.

    Raises:
        RefusedError: also if every entry is refused, with the faults of the first.
        BacklogFullError: too many messages wait.
    """
    parts = read_parts(raw, place, metadata, deps)
    refused = [part for part in parts if isinstance(part, SetAside) and part.status == "refused"]
    if len(refused) < len(parts):
        return parts
    first = refused[0]
    detail = first.reason if len(parts) == 1 else f"none of {len(parts)} entries is acceptable: {first.reason}"
    raise RefusedError(422, detail, first.faults or (Fault("", first.reason),))


def read_parts(raw: bytes, place: RawBytes, metadata: SubmissionMetadata, deps: IngestDeps) -> list[Part]:
    """Return the entries that the bytes hold; makes no call to the store.

    An entry of several has a digest of its own content, because the other entries of a feed change.

    Raises:
        RefusedError: the bytes are no valid document, or their only entry is a removal that the sender may not make.
        BacklogFullError: too many messages wait.
    """
    entries = deps.read_document(raw, metadata.content_type, metadata)
    if any(isinstance(each, Reading) and each.article.status is Status.USABLE for each in entries):
        deps.admit(metadata.lane)
    parts: list[Part] = []
    for entry in entries:
        if isinstance(entry, SetAside):
            parts.append(entry)
        elif (refusal := _find_refusal(entry, may_take_down=metadata.may_take_down)) is None:
            own_place = place if len(entries) == 1 else replace(place, sha256=_digest_of(entry.article))
            parts.append(_item(entry, own_place, metadata))
        elif len(entries) == 1:
            raise refusal
        else:
            reason, faults = refusal.detail, refusal.faults
            parts.append(SetAside("refused", reason, entry.report, entry.article.source_id, faults))
    return parts


def outcome_of(outcome: Committed | SetAside) -> EntryOutcome:
    """Return the outcome of an entry, for the sender."""
    if isinstance(outcome, SetAside):
        return EntryOutcome(
            name=outcome.name,
            status=ReceiptStatus(outcome.status),
            reason=outcome.reason,
            report=outcome.report,
            faults=outcome.faults,
        )
    accepted = outcome.accepted
    return EntryOutcome(
        name=outcome.revision.article.source_id,
        status=ReceiptStatus(accepted.status),
        reason=accepted.reason,
        report=accepted.report,
        article=accepted.article,
        revision=accepted.revision,
        receipt=accepted.receipt,
    )


def receipt_of_document(
    receipt: str, metadata: SubmissionMetadata, outcomes: Sequence[Committed | SetAside]
) -> Receipt:
    """Return the receipt of a document: that of its only article, or one with an entry for each of its items."""
    stages = (Stage(name=ReceiptStatus.ACCEPTED.value, at=metadata.received_at),)
    match outcomes:
        case [Committed() as committed]:
            accepted = committed.accepted
            return Receipt(
                receipt=receipt,
                site=metadata.site.id,
                article=accepted.article,
                revision=accepted.revision,
                status=ReceiptStatus(accepted.status),
                report=accepted.report.model_dump(mode="json"),
            )
        case [SetAside() as aside]:
            return Receipt(
                receipt=receipt,
                site=metadata.site.id,
                status=ReceiptStatus(aside.status),
                reason=aside.reason,
                stages=stages,
                report=aside.report.model_dump(mode="json"),
            )
        case _:
            entries = tuple(_receipt_entry(outcome_of(each)) for each in outcomes)
            return Receipt(
                receipt=receipt,
                site=metadata.site.id,
                status=status_of_entries([each.status for each in entries]),
                stages=stages,
                entries=entries,
            )


def superseded_receipts(committed: Iterable[Committed]) -> list[str]:
    """Return the receipts of accepted revisions that a later revision of the same document has superseded.

    The later steps name an article once, with its latest revision.
    """
    latest: dict[str, str] = {}
    accepted = [each for each in committed if each.accepted.status == "accepted"]
    for each in accepted:
        latest[each.accepted.article] = max(latest.get(each.accepted.article, ""), each.revision.revision)
    return [each.accepted.receipt for each in accepted if each.revision.revision < latest[each.accepted.article]]


def _receipt_entry(outcome: EntryOutcome) -> ReceiptEntry:
    faults = tuple(ReceiptFault(pointer=fault.pointer, detail=fault.detail) for fault in outcome.faults)
    return ReceiptEntry(
        name=outcome.name, status=outcome.status, receipt=outcome.receipt, reason=outcome.reason, faults=faults
    )


def _item(reading: Reading, place: RawBytes, metadata: SubmissionMetadata) -> Item:
    return Item(
        article=reading.article,
        report=reading.report,
        raw=place,
        site=metadata.site,
        received_at=metadata.received_at,
        lane=metadata.lane,
        held_because=reading.held_because,
    )


def _digest_of(article: Article) -> str:
    return hashlib.sha256(article.model_dump_json().encode()).hexdigest()


def _find_refusal(reading: Reading, *, may_take_down: bool) -> RefusedError | None:
    """Return the refusal of a removal by a sender without the scope, or None.

    An item that the sender's system does not show (a draft, a private post) needs no scope. Otherwise it would stay
    public, and a late older version could become public.
    """
    status = reading.article.status
    if status is Status.USABLE or may_take_down or reading.held_because:
        return None
    detail = f"status {status.value} removes an article, which needs a token with the scope takedown"
    return RefusedError(403, detail, [Fault("/status", detail)])
