"""Notes takedowns and restores in the audit log, beside the path of a kill to its first 410.

The revision is the commit, and the entry comes after it. If a process dies between them, the sender has no answer. The
same removal again is then a duplicate, which writes the entry if it is missing.
"""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

import stamina
import structlog

from services.ingest.domain.author import Author, author
from services.ingest.handler.commit import Committed
from services.ingest.handler.deps import IngestDeps
from shared.model.article import Status
from shared.runtime import audit
from shared.runtime.audit import AuditEntry, AuditEvent
from shared.runtime.errors import PresslineError, RetryableError

_MAX_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.2
_MAX_WAIT_SECONDS = 5.0
_REPLY_WAIT_SECONDS = 2.0  # the longest delay of a reply; later attempts go on without the sender

log = structlog.get_logger()


def takedown_entry(committed: Committed, sent_by: Author) -> AuditEntry | None:
    """Return the audit entry of a removal or a restore; None for a text, and for a draft that was never public."""
    revision = committed.revision
    is_text = revision.action is None and revision.status is Status.USABLE
    if is_text or committed.accepted.status == "held":
        return None
    return AuditEntry(
        at=revision.accepted_at,
        event=AuditEvent(revision.action.kind if revision.action else revision.status.value),
        by=revision.action.by if revision.action else sent_by.token,
        request=sent_by.request,
        site=revision.article.site,
        article=revision.article_id,
        revision=revision.revision,
        outcome=committed.accepted.status,
    )


def start_note(committed: Committed, deps: IngestDeps) -> Future[None] | None:
    """Start to write the audit entry of a takedown or restore; None for a text."""
    entry = takedown_entry(committed, author.get())
    return deps.executor.submit(_note_or_log, entry, deps) if entry else None


def await_note(noting: Future[None] | None) -> None:
    """Wait for the entry, for a short time: a slow store does not delay the reply for long."""
    if noting is None:
        return
    try:
        noting.result(timeout=_REPLY_WAIT_SECONDS)
    except FutureTimeoutError:
        log.warning("audit_entry.delayed", waited_seconds=_REPLY_WAIT_SECONDS)


def _note_or_log(entry: AuditEntry, deps: IngestDeps) -> None:
    """Write the entry. After the last attempt the log line has all its facts, so that none is lost silently."""
    try:
        for attempt in stamina.retry_context(
            on=RetryableError,
            attempts=_MAX_ATTEMPTS,
            timeout=None,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_max=_MAX_WAIT_SECONDS,
        ):
            with attempt:
                audit.note(deps.content, entry)
    except PresslineError as error:
        facts = entry.model_dump(mode="json", exclude_defaults=True)
        log.exception("audit_entry.failed", reason=str(error), entry=facts)
