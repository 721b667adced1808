"""What a kill, a withdrawal or a restore means for an article, given all that was accepted of it."""

from __future__ import annotations

from datetime import datetime

from services.ingest.domain.refusal import RefusedError
from shared.model.article import Status
from shared.model.history import History
from shared.model.revision import ActionKind, Revision

_STATUS = {"kill": Status.CANCELED, "withdraw": Status.WITHHELD, "restore": Status.USABLE}
_STRONGER = "the article is killed, and stays down whatever is sent; restore it first if it is to come back"
_NO_TEXT = "no revision of the article has a text that could be shown, so there is nothing to restore; post it anew"
_PASSED_OVER = "an update that waits for its embargo was passed over and will not come by itself; send it again"
_HELD = "a kill that arrived before the article is in force, so nothing of it is public; kill it, or restore it"
_LIFTED = (
    "the removal that arrived before the article is lifted; a text with a stamp after the removal's is published when "
    "it comes, an older one needs another restore"
)
_EXPIRED = "expires_at of the restored text has passed, so readers do not see it; post it with a later one"


def find_action_in_force(kind: ActionKind, history: History) -> Revision | None:
    """Return the revision that already says what the action would, or None where there is something to do.

    Raises:
        RefusedError: 409, a killed article cannot be withdrawn.
    """
    latest = history.revisions[-1]
    if kind == "kill":
        return history.kill or (None if _has_text(history) else history.unmatched_kill)
    if kind == "withdraw" and history.is_killed:
        raise RefusedError(409, _STRONGER)
    if kind == "withdraw" and history.unmatched_kill:
        raise RefusedError(409, _HELD)
    if history.is_killed or history.unmatched_kill:
        return None
    is_lifted = (
        kind == "restore" and not _has_text(history) and latest.action is not None and latest.action.kind == kind
    )
    return latest if latest.status is _STATUS[kind] or is_lifted else None


def lifts_without_text(kind: ActionKind, history: History) -> bool:
    """Tell whether the action lifts a removal that arrived before its article, and no text of it has come yet."""
    return kind == "restore" and not _has_text(history) and bool(history.unmatched_in_force)


def _has_text(history: History) -> bool:
    return any(revision.status is Status.USABLE for revision in history.revisions)


def text_after(kind: ActionKind, history: History, now: datetime) -> tuple[Revision, tuple[str, ...]]:
    """Return the revision whose text the action's bears, with its new status, and what its sender should look at.

    A restore brings back the newest text that may be shown by now, also one that came while the kill stood; one that
    waits for its embargo only where there is no other. A restore that lifts an unmatched removal without a text is a
    withdrawal that any later text overrules.

    Raises:
        RefusedError: 409, there is no text that could be restored.
    """
    text, warnings = history.revisions[-1], []
    status = _STATUS[kind]
    if lifts_without_text(kind, history):
        status, warnings = Status.WITHHELD, [_LIFTED]
    elif kind == "restore":
        usable = [revision for revision in history.revisions if revision.status is Status.USABLE]
        if not usable:
            raise RefusedError(409, _NO_TEXT)
        shown = [each for each in usable if each.embargo_until is None or each.embargo_until <= now]
        text = (shown or usable)[-1]
        warnings += [_PASSED_OVER] if text is not usable[-1] else []
        warnings += [_EXPIRED] if text.status_at(now) is not Status.USABLE else []
    article = text.article.model_copy(update={"status": status})
    return text.model_copy(update={"article": article}), tuple(warnings)
