"""Killing, withdrawing and restoring an article: each is a revision like any other (ADR 7)."""

from __future__ import annotations

from datetime import datetime

import structlog

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.actions import find_standing, lifts_without_text, text_after
from services.ingest.domain.refusal import ArticleUnknownError
from services.ingest.domain.report import Report
from services.ingest.domain.stamps import stamp_for
from services.ingest.handler.announce import announce
from services.ingest.handler.commit import Proposal, RawBytes, Twin, commit
from services.ingest.handler.intake import Intake
from shared import keys
from shared.article import Status
from shared.errors import OutageError, StorageConflictError
from shared.history import Since, read_past
from shared.revision import Action, ActionKind, revision_id, stamp_of
from shared.sites import Site

log = structlog.get_logger()

_TRIES = 8
_FORMAT = "pressline-action-1"


def act(
    kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime, intake: Intake
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

    def propose(since: Since) -> Proposal | Twin:
        if not since.names:
            raise ArticleUnknownError(article)
        past = read_past(intake.revisions, site.id, article, since)
        standing = find_standing(kind, past)
        if standing is not None:
            return Twin(standing, Report(format=_FORMAT))
        text, warnings = text_after(kind, past, received_at)
        latest = max(stamp_of(name) for name in (since.names[-1], *since.kills) if name)
        # A restore that has no text to bring back must not supersede the text that comes next, whatever its stamp.
        brings_back = kind == "restore" and text.article.status is Status.USABLE
        not_before = latest if lifts_without_text(kind, past) else received_at
        return Proposal(
            name=revision_id(stamp_for(None, not_before, latest), None),
            article=text.article,
            raw=RawBytes(text.raw_sha256, text.raw_key, text.raw_range),
            report=Report(format=_FORMAT, warnings=warnings),
            action=Action(kind=kind, by=by, why=why),
            text_of=(text.text_of or text.revision) if brings_back else None,
        )

    for _ in range(_TRIES):
        committed = commit(propose, site=site, article=article, received_at=received_at, intake=intake)
        accepted = announce(committed, intake)
        if kind == "kill" and accepted.status == "superseded":
            continue  # a restore came between: this kill comes after it
        log.info("article.acted_on", site=site.id, article=article, action=kind, by=by, status=accepted.status)
        if kind == "restore":
            _clear_tombstones(site, article, accepted.revision, intake)
        return accepted
    raise StorageConflictError(article)


def _clear_tombstones(site: Site, article: str, restore: str, intake: Intake) -> None:
    """Remove what the restore overruled. One that stays says nothing: the order of the revisions counts."""
    try:
        for kill in intake.revisions.since(site.id, article, restore).kills:
            if kill < restore:
                intake.content.delete(keys.tombstone_key(site.id, article, kill))
    except OutageError as error:
        log.warning("tombstone.left", site=site.id, article=article, reason=str(error))
