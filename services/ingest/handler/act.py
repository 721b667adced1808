"""Kills, withdraws and restores articles; each action is a revision (ADR 7)."""

from __future__ import annotations

from datetime import datetime

import structlog

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.actions import find_action_in_force, lifts_without_text, text_after
from services.ingest.domain.refusal import ArticleUnknownError
from services.ingest.domain.report import Report
from services.ingest.domain.stamps import stamp_for
from services.ingest.handler.commit import Duplicate, Proposal, RawBytes, commit
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.events import emit_events
from shared.model.article import Status
from shared.model.history import RevisionsAfter, read_history
from shared.model.revision import Action, ActionKind, revision_id, stamp_of
from shared.runtime.errors import OutageError, StorageConflictError
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()

_MAX_ATTEMPTS = 8
_FORMAT = "pressline-action-1"


def act(
    kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime, deps: IngestDeps
) -> Accepted:
    """Kill, withdraw or restore an article; return the result.

    The action is ordered after all existing revisions. A restore also ends a removal that arrived before its article.
    An action without effect is a duplicate of the revision in force.

    Raises:
        ArticleUnknownError: the article has no revision.
        RefusedError: 409, the article's state does not allow the action.
        StorageUnavailableError: the store does not answer; the same request again completes the action.
    """

    def propose(since: RevisionsAfter) -> Proposal | Duplicate:
        if not since.names:
            raise ArticleUnknownError(article)
        history = read_history(deps.revisions, site.id, article, since)
        in_force = find_action_in_force(kind, history)
        if in_force is not None:
            return Duplicate(in_force, Report(format=_FORMAT))
        text, warnings = text_after(kind, history, received_at)
        latest = max(stamp_of(name) for name in (since.names[-1], *since.kills) if name)
        # A restore without a text must not supersede the next text, so its stamp is as low as possible.
        has_text = kind == "restore" and text.article.status is Status.USABLE
        not_before = latest if lifts_without_text(kind, history) else received_at
        return Proposal(
            name=revision_id(stamp_for(None, not_before, latest), None),
            article=text.article,
            raw=RawBytes(text.raw_sha256, text.raw_key, text.raw_range),
            report=Report(format=_FORMAT, warnings=warnings),
            action=Action(kind=kind, by=by, why=why),
            text_of=(text.text_of or text.revision) if has_text else None,
        )

    for _ in range(_MAX_ATTEMPTS):
        committed = commit(propose, site=site, article=article, received_at=received_at, deps=deps)
        accepted = emit_events(committed, deps)
        if kind == "kill" and accepted.status == "superseded":
            continue  # a restore came first: order this kill after it
        log.info("article.acted_on", site=site.id, article=article, action=kind, by=by, status=accepted.status)
        if kind == "restore":
            _clear_tombstones(site, article, accepted.revision, deps)
        return accepted
    raise StorageConflictError(article)


def _clear_tombstones(site: Site, article: str, restore: str, deps: IngestDeps) -> None:
    """Delete the tombstones that the restore overruled. A remaining one has no effect: the newer revision counts."""
    try:
        for kill in deps.revisions.since(site.id, article, restore).kills:
            if kill < restore:
                deps.content.delete(keys.tombstone_key(site.id, article, kill))
    except OutageError as error:
        log.warning("tombstone.kept", site=site.id, article=article, reason=str(error))
