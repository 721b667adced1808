"""The effect of a kill, a withdrawal or a restore on an article with a given history."""

from __future__ import annotations

from datetime import datetime

from services.ingest.domain.refusal import RefusedError
from shared.model.article import Status
from shared.model.history import History
from shared.model.revision import ActionKind, Revision

_STATUS = {"kill": Status.CANCELED, "withdraw": Status.WITHHELD, "restore": Status.USABLE}
_KILLED = "the article is killed, so a withdrawal has no effect; restore it first"
_NO_TEXT = "no revision of the article has a text to restore; post the article again"
_EMBARGOED_SKIPPED = "a newer text is under embargo and was skipped; it will not be published, so send it again"
_HELD = "a kill that arrived before the article is in force, so nothing is public; kill the article or restore it"
_LIFTED = (
    "the removal that arrived before the article is no longer in force; a later text with a newer stamp is published, "
    "a text with an older stamp needs another restore"
)
_EXPIRED = "expires_at of the restored text has passed, so readers do not see it; post the text with a later one"


def find_action_in_force(kind: ActionKind, history: History) -> Revision | None:
    """Return the revision that already has the action's effect, or None.

    Raises:
        RefusedError: 409, a killed article cannot be withdrawn.
    """
    latest = history.revisions[-1]
    if kind == "kill":
        return history.kill or (None if _has_text(history) else history.unmatched_kill)
    if kind == "withdraw" and history.is_killed:
        raise RefusedError(409, _KILLED)
    if kind == "withdraw" and history.unmatched_kill:
        raise RefusedError(409, _HELD)
    if history.is_killed or history.unmatched_kill:
        return None
    is_lifted = (
        kind == "restore" and not _has_text(history) and latest.action is not None and latest.action.kind == kind
    )
    return latest if latest.status is _STATUS[kind] or is_lifted else None


def lifts_without_text(kind: ActionKind, history: History) -> bool:
    """Return whether the action is a restore that ends an unmatched removal of an article without a text."""
    return kind == "restore" and not _has_text(history) and bool(history.unmatched_in_force)


def _has_text(history: History) -> bool:
    return any(revision.status is Status.USABLE for revision in history.revisions)


def text_after(kind: ActionKind, history: History, now: datetime) -> tuple[Revision, tuple[str, ...]]:
    """Return the revision with the text of the action's revision and its new status; and warnings for the sender.

    A restore brings back the newest text without an embargo, even if it came during the kill. A text under embargo
    comes back only if there is no other. A restore that ends an unmatched removal without a text is a withdrawal: any
    later text overrules it.

    Raises:
        RefusedError: 409, there is no text to restore.
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
        warnings += [_EMBARGOED_SKIPPED] if text is not usable[-1] else []
        warnings += [_EXPIRED] if text.status_at(now) is not Status.USABLE else []
    article = text.article.model_copy(update={"status": status})
    return text.model_copy(update={"article": article}), tuple(warnings)
