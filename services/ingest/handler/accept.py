"""Accepts articles: reads a document, determines each article's place in the order of revisions, and commits it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from uuid import UUID

from services.ingest.domain.accepted import Accepted, DocumentOutcome, EntryOutcome
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.handler.article_pictures import with_picture_facts
from services.ingest.handler.commit import (
    Committed,
    Duplicate,
    Proposal,
    RawBytes,
    commit,
    lane_of,
    write_journal_marker,
)
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.entries import (
    Item,
    Part,
    outcome_of,
    read_acceptable,
    receipt_of_document,
    superseded_receipts,
)
from services.ingest.handler.events import emit_events, events
from services.ingest.handler.parallel import SameThread
from services.ingest.handler.places import name_or_duplicate
from services.ingest.handler.same_article import connect, item_of_article
from services.ingest.handler.takedowns import await_note, start_note
from services.ingest.ports import SetAside, SubmissionMetadata
from shared.messaging.handling import BatchRunner
from shared.model.article import Status
from shared.model.history import RevisionsAfter
from shared.model.revision import Revision, revision_id
from shared.runtime.errors import PermanentError
from shared.runtime.receipts import ReceiptStatus, submission_receipt
from shared.runtime.receipts.stored import store_receipts
from shared.site import keys
from shared.storage import Etag


def accept_document(
    raw: bytes, metadata: SubmissionMetadata, batch: UUID, deps: IngestDeps
) -> Accepted | DocumentOutcome:
    """Commit the articles of a document and emit their events; return the result.

    A document with one article gives `Accepted`. Any other gives the outcome of each entry, and a receipt of its own,
    which is stored under the id `batch`.

    Raises:
        RefusedError: no entry is a valid article; the bytes are stored nevertheless.
        BacklogFullError: too many messages wait. Removals are always accepted.
        StorageUnavailableError: the store does not answer. Nothing was accepted, or the same bytes sent again are
            duplicates.
    """
    sha256 = hashlib.sha256(raw).hexdigest()
    place = RawBytes(sha256, keys.raw_key(metadata.site.id, metadata.received_at, sha256))
    try:
        parts = read_acceptable(raw, place, metadata, deps)
        parts = [with_pictures(each, deps) if len(parts) == 1 and isinstance(each, Item) else each for each in parts]
    except RefusedError:
        deps.content.put(place.key, raw, content_type="application/octet-stream")
        raise
    match parts:
        case [Item() as item]:
            source_put = note_source(item, deps)
            raw_put = deps.executor.submit(deps.content.put, place.key, raw, content_type="application/octet-stream")
            return emit_events(commit_item(item, deps, source_put=source_put, raw_put=raw_put), deps)
        case _:
            deps.content.put(place.key, raw, content_type="application/octet-stream")
            return _accept_entries(parts, metadata, submission_receipt(batch.hex, 0), deps)


def accept(raw: bytes, metadata: SubmissionMetadata, deps: IngestDeps) -> Accepted:
    """Commit the one article of a document; as `accept_document`.

    Raises:
        RefusedError: as there, and if the document is not one article.
    """
    accepted = accept_document(raw, metadata, UUID(int=0), deps)
    if isinstance(accepted, DocumentOutcome):
        raise unacceptable([Fault("", "the document is not one article to publish")])
    return accepted


def _accept_entries(
    parts: Sequence[Part], metadata: SubmissionMetadata, receipt: str, deps: IngestDeps
) -> DocumentOutcome:
    """Commit the articles of several entries in parallel, those of one article in order; return all outcomes."""
    outcomes = commit_parts(parts, deps)
    committed = [each for each in outcomes if not isinstance(each, SetAside)]
    document = receipt_of_document(receipt, metadata, outcomes)
    store_receipts(deps.content, [document])
    notings = [start_note(each, deps) for each in committed]
    delay = deps.emit_events(
        events(committed), receipts=[*(each.receipt for each in committed if each.receipt), document]
    )
    for noting in notings:
        await_note(noting)
    for superseded in superseded_receipts(committed):
        deps.receipts.finalise(superseded, ReceiptStatus.SUPERSEDED, deps.clock())
    entries: tuple[EntryOutcome, ...] = tuple(outcome_of(each) for each in outcomes)
    return DocumentOutcome(receipt=receipt, site=metadata.site.id, entries=entries, warning=delay)


def commit_parts(parts: Sequence[Part], deps: IngestDeps) -> list[Committed | SetAside]:
    """Commit the articles, those of one article in order, different ones in parallel; return one outcome for each part.

    Raises:
        RetryableError: the store does not answer; the same parts may be committed again.
    """
    chains: dict[str, list[tuple[int, Item]]] = {}
    outcomes: dict[int, Committed | SetAside] = {}
    for number, part in enumerate(parts):
        if isinstance(part, SetAside):
            outcomes[number] = part
        else:
            chains.setdefault(part.article_id, []).append((number, part))
    in_thread = replace(deps, executor=SameThread())

    def commit_chain(chain: list[tuple[int, Item]]) -> dict[int, Committed | SetAside]:
        return {number: _commit_or_refuse(item, in_thread) for number, item in chain}

    runner = BatchRunner(deps.executor)
    for _, found in runner.each(commit_chain, chains.values(), name=lambda chain: str(chain[0][0])):
        outcomes |= found
    for error in runner.failed.values():
        raise error
    return [outcomes[number] for number in range(len(parts))]


def _commit_or_refuse(item: Item, deps: IngestDeps) -> Committed | SetAside:
    try:
        if (source_put := note_source(item, deps)) is not None:
            source_put.result()
        return commit_item(with_pictures(item, deps), deps)
    except PermanentError as error:
        faults = error.faults if isinstance(error, RefusedError) else ()
        return SetAside("refused", str(error), item.report, item.article.source_id, faults)


def with_pictures(item: Item, deps: IngestDeps) -> Item:
    """Return the item with the dimensions of its pictures.

    Raises:
        RefusedError: the article names a picture that was never uploaded.
    """
    return replace(item, article=with_picture_facts(item.article, deps))


def note_source(item: Item, deps: IngestDeps) -> Future[Etag] | None:
    """Start to store the item's source for its site; None if the source is stored already."""
    if item.article.status is not Status.USABLE:
        return None
    return deps.sources.note(item.site.id, item.article.source)


def commit_item(
    item: Item,
    deps: IngestDeps,
    *,
    source_put: Future[Etag] | None = None,
    raw_put: Future[Etag] | None = None,
) -> Committed:
    """Commit the item; return the result. The caller emits the event.

    An item that rewrites another, or whose id leads to another article, becomes a revision of that article.
    `source_put` and `raw_put`: PUTs that must end before the revision is written.

    Raises:
        RefusedError: too many contents have the same stamp.
        StorageUnavailableError: the store does not answer.
    """
    if item.article.replaces and not item.same_as:
        item = connect(item, deps, commit_item)
    try:
        return _commit_to(item, deps, source_put, raw_put)
    except _LedElsewhereError as led:
        return _commit_to(item_of_article(item, led.target, deps), deps, source_put, raw_put)


class _LedElsewhereError(Exception):
    """The id of an item leads to another article."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


def _commit_to(
    item: Item, deps: IngestDeps, source_put: Future[Etag] | None, raw_put: Future[Etag] | None
) -> Committed:
    article = item.article
    # The name of a stamped revision is nearly always known before the listing, so its marker is written in parallel.
    stamp = article.version_created
    name = revision_id(stamp, article.version) if stamp else None
    marker = (
        write_journal_marker(item.site.id, item.article_id, name, lane_of(article.status, item.lane), deps)
        if name
        else None
    )
    if source_put is not None:
        source_put.result()

    def propose(since: RevisionsAfter) -> Proposal | Duplicate:
        if since.same_as and not item.same_as:
            raise _LedElsewhereError(since.same_as)
        found = name_or_duplicate(item, since.names, deps)
        if isinstance(found, Revision):
            return Duplicate(found, item.report)
        return Proposal(
            name=found,
            article=article,
            raw=item.raw,
            report=item.report,
            lane=item.lane,
            held_because=item.held_because or None,
        )

    return commit(
        propose,
        site=item.site,
        article=item.article_id,
        received_at=item.received_at,
        deps=deps,
        marker=marker,
        raw_put=raw_put,
    )
