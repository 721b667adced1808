"""Reads the enrichers' warnings about a revision from its enriched object, so that Redis need not store them."""

from __future__ import annotations

from services.ingest.domain.report import Report
from services.ingest.domain.states import ReceiptState
from services.ingest.handler.deps import IngestDeps
from shared.model.article import EnrichedArticle
from shared.site import keys

_UNKNOWN_FORMAT = "unknown"  # of an old submission whose report has expired in Redis


def find_warnings(site: str, article: str, revision: str, deps: IngestDeps) -> tuple[str, ...]:
    """Return the warnings of the latest enriched object; each begins with a pointer, such as `/body`."""
    prefix = keys.enriched_prefix(site, article, revision)
    listed = deps.content.list_keys(keys.enriched_folder(site, article), start_after=prefix)
    latest = keys.latest_enriched(listed, prefix)
    found = deps.content.find(latest) if latest else None
    return EnrichedArticle.model_validate_json(found.body).warnings if found else ()


def with_enrichers_warnings(state: ReceiptState | None, deps: IngestDeps) -> ReceiptState | None:
    """Return a submission's state; once it is final, its report includes the enrichers' warnings.

    Before that nothing is read. A request that waits for its page costs one LIST and one GET, after the page is live.
    """
    if state is None or not (state.status.is_final and state.article and state.revision):
        return state
    warnings = find_warnings(state.site, state.article, state.revision, deps)
    if not warnings:
        return state
    report = (state.report or Report(format=_UNKNOWN_FORMAT)).with_warnings(warnings)
    return state.model_copy(update={"report": report})
