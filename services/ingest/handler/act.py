"""Killing, withdrawing and restoring an article: each is a revision like any other (ADR 7)."""

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

_TRIES = 8
_FORMAT = "pressline-action-1"


def act(
    kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime, deps: IngestDeps
) -> Accepted:
    """Kill, withdraw or restore an article; return what became of it.

    Its place in the order is after all that was there. A restore also lifts a removal that arrived before its article.
    An action that changes nothing is a duplicate of the revision
    that already says so.

    Raises:
        ArticleUnknownError: nothing was ever accepted under this name.
        RefusedError: 409, it makes no sense as the article stands.
        StorageUnavailableError: the store does not take it now; the same again does what is left to be done.
    """

    def propose(since: RevisionsAfter) -> Proposal | Duplicate:
        if not since.names:
            raise ArticleUnknownError(article)
        history = read_history(deps.revisions, site.id, article, since)
        permanent_listings = find_action_in_force(kind, history)
        if permanent_listings is not None:
            return Duplicate(permanent_listings, Report(format=_FORMAT))
        text, warnings = text_after(kind, history, received_at)
        latest = max(stamp_of(name) for name in (since.names[-1], *since.kills) if name)
        # A restore that has no text to bring back must not supersede the text that comes next, whatever its stamp.
        brings_back = kind == "restore" and text.article.status is Status.USABLE
        not_before = latest if lifts_without_text(kind, history) else received_at
        return Proposal(
            name=revision_id(stamp_for(None, not_before, latest), None),
            article=text.article,
            raw=RawBytes(text.raw_sha256, text.raw_key, text.raw_range),
            report=Report(format=_FORMAT, warnings=warnings),
            action=Action(kind=kind, by=by, why=why),
            text_of=(text.text_of or text.revision) if brings_back else None,
        )

    for _ in range(_TRIES):
        committed = commit(propose, site=site, article=article, received_at=received_at, deps=deps)
        accepted = emit_events(committed, deps)
        if kind == "kill" and accepted.status == "superseded":
            continue  # a restore came between: this kill comes after it
        log.info("article.acted_on", site=site.id, article=article, action=kind, by=by, status=accepted.status)
        if kind == "restore":
            _clear_tombstones(site, article, accepted.revision, deps)
        return accepted
    raise StorageConflictError(article)


def _clear_tombstones(site: Site, article: str, restore: str, deps: IngestDeps) -> None:
    """Remove what the restore overruled. One that stays says nothing: the order of the revisions counts."""
    try:
        for kill in deps.revisions.since(site.id, article, restore).kills:
            if kill < restore:
                deps.content.delete(keys.tombstone_key(site.id, article, kill))
    except OutageError as error:
        log.warning("tombstone.left", site=site.id, article=article, reason=str(error))
