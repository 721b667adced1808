"""A dry run of a post: the result, the page and the changed files that the post would have. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.ingest.domain.accepted import Accepted, DocumentOutcome, EntryOutcome
from services.ingest.domain.dry_runs import Change, DryRunEntry, DryRunOutcome
from services.ingest.domain.refusal import RefusedError
from services.ingest.domain.report import Report
from services.ingest.handler.accept import accept_document
from services.ingest.handler.changes import ChangeSources, changes_of_page, changes_of_removal
from services.ingest.handler.deps import IngestDeps
from services.ingest.ports import RenderedPages, RenderPages, SubmissionMetadata
from shared.index import Index
from shared.messaging.messages import MAX_BATCH_ITEMS, ArticleRemoved, ArticlesAccepted, Message
from shared.model.article import Article
from shared.runtime.receipts import ReceiptStatus
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_RAW_PREFIX = "raw/"  # no later step reads the received bytes
_EMBARGOED = "the article is under embargo: a dry run shows no page and no changes before its release"
_INCOMPLETE = "the index is being restored: the list of changes may lack pages"
_MORE = f"a dry run renders at most {MAX_BATCH_ITEMS} articles; the changes of the other entries are not shown"


@dataclass(frozen=True, slots=True)
class DryRunDeps:
    """The ports of one dry run. `ingest` and `index` write nothing; `objects` returns the objects not written."""

    ingest: IngestDeps
    index: Index
    public: Mapping[str, ObjectStorage]  # by site
    objects: Callable[[], Mapping[str, bytes]]
    render: RenderPages
    events: list[Message] = field(default_factory=list)  # that `ingest` would have emitted


def dry_run(raw: bytes, requests: Sequence[SubmissionMetadata], deps: DryRunDeps) -> list[DryRunOutcome]:
    """Return the outcome of a post at each site: the first is the canonical one.

    Raises:
        RefusedError: the first site would refuse the document.
        BacklogFullError: too many messages wait.
        DryRunUnavailableError: other dry runs run, or this one took too long.
        StorageUnavailableError: the store does not answer.
    """
    outcomes = [_dry_run_at(raw, requests[0], deps)]
    for metadata in requests[1:]:
        try:
            outcome = _dry_run_at(raw, metadata, deps)
        except RefusedError as error:
            entry = _refused(error)
            outcome = DryRunOutcome(site=metadata.site.id, entries=(entry,))
        outcomes.append(outcome.model_copy(update={"html": None}))
    return outcomes


def _dry_run_at(raw: bytes, metadata: SubmissionMetadata, deps: DryRunDeps) -> DryRunOutcome:
    deps.events.clear()
    accepted = accept_document(raw, metadata, UUID(int=0), deps.ingest)
    entries = accepted.entries if isinstance(accepted, DocumentOutcome) else (_entry_of(accepted, deps),)
    texts = [each for each in deps.events if isinstance(each, ArticlesAccepted)]
    rendered = deps.render(texts[0], _objects(deps)) if texts else RenderedPages()
    changes = _all_changes(rendered, metadata.site, deps)
    changes |= {article: None for message in texts[1:] for article in message.items}
    notes = [f"there is no page: {problem}" for problem in rendered.problems]
    if any(each.status is ReceiptStatus.SCHEDULED for each in entries):
        notes.append(_EMBARGOED)
    if len(texts) > 1:
        notes.append(_MORE)
    if changes and deps.index.complete_until(metadata.site) is None:
        notes.append(_INCOMPLETE)
    log.info("dry_run.finished", site=metadata.site.id, entries=len(entries), pages=len(rendered.pages))
    return DryRunOutcome(
        site=metadata.site.id,
        entries=tuple(
            _entry(each, changes if _is_last(number, entries) else {}, metadata.site, deps)
            for number, each in enumerate(entries)
        ),
        html=_html(entries, rendered),
        notes=tuple(notes),
    )


def _objects(deps: DryRunDeps) -> dict[str, bytes]:
    return {key: body for key, body in deps.objects().items() if not key.startswith(_RAW_PREFIX)}


def _all_changes(rendered: RenderedPages, site: Site, deps: DryRunDeps) -> dict[str, tuple[Change, ...] | None]:
    """Return the changes by article; each article's are those of a post of this article alone."""
    ingest = deps.ingest
    sources = ChangeSources(site, ingest.content, deps.public[site.id], ingest.revisions, deps.index)
    changes: dict[str, tuple[Change, ...] | None] = {
        page.article: changes_of_page(page, body, sources) for page, body in rendered.pages
    }
    for message in deps.events:
        if isinstance(message, ArticleRemoved):
            changes[message.article] = changes_of_removal(message.article, ingest.clock(), sources)
    return changes


def _is_last(number: int, entries: Sequence[EntryOutcome]) -> bool:
    """Tell whether no later entry of the document has the same article: readers see the last one."""
    return all(each.article != entries[number].article for each in entries[number + 1 :])


def _html(entries: Sequence[EntryOutcome], rendered: RenderedPages) -> str | None:
    """Return the page of the first entry that has one."""
    pages = {page.article: body for page, body in rendered.pages}
    return next((pages[each.article].decode() for each in entries if each.article in pages), None)


def _entry(
    outcome: EntryOutcome, changes: Mapping[str, tuple[Change, ...] | None], site: Site, deps: DryRunDeps
) -> DryRunEntry:
    return DryRunEntry(
        name=outcome.name,
        status=outcome.status,
        reason=outcome.reason,
        report=outcome.report,
        faults=outcome.faults,
        article=_article(outcome, site, deps),
        changes=changes.get(outcome.article or "", ()),
    )


def _article(outcome: EntryOutcome, site: Site, deps: DryRunDeps) -> Article | None:
    """Return the article as it would be stored, or as it is stored if the entry is a duplicate."""
    if outcome.article is None or outcome.revision is None:
        return None
    return deps.ingest.revisions.get(site.id, outcome.article, outcome.revision).article


def _entry_of(accepted: Accepted, deps: DryRunDeps) -> EntryOutcome:
    """Return the result of a document with one article as the outcome of an entry."""
    revision = deps.ingest.revisions.get(accepted.site, accepted.article, accepted.revision)
    return EntryOutcome(
        name=revision.article.source_id,
        status=ReceiptStatus(accepted.status),
        reason=accepted.reason,
        report=accepted.report,
        article=accepted.article,
        revision=accepted.revision,
    )


def _refused(error: RefusedError) -> DryRunEntry:
    report = Report(format="unknown")
    return DryRunEntry(name="", status=ReceiptStatus.REFUSED, reason=error.detail, report=report, faults=error.faults)
