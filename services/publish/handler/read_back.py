"""Reads a page back from the edge: `live` means that readers get these bytes."""

from __future__ import annotations

from http import HTTPStatus

import structlog

from services.publish.domain.read_back import is_same_page
from services.publish.handler.deps import PublishDeps
from services.publish.metrics import READ_BACKS
from shared.runtime.errors import EdgeUnavailableError

log = structlog.get_logger()


def require_shown(url: str, body: bytes, deps: PublishDeps) -> None:
    """Return if a reader of the URL gets the page, or if pages are not read back from this edge.

    Raises:
        EdgeUnavailableError: the edge does not answer, or serves something else; the same message may succeed soon.
    """
    if not deps.reads_back:
        return
    try:
        served = deps.edge.find_page(url)
    except EdgeUnavailableError:
        READ_BACKS.labels("unanswered").inc()
        raise
    if served is None:
        return
    if served.status == HTTPStatus.OK and is_same_page(served.body, body):
        READ_BACKS.labels("same").inc()
        return
    READ_BACKS.labels("other").inc()
    log.warning("page.unconfirmed", url=url, status=served.status, size_bytes=len(served.body))
    raise EdgeUnavailableError(f"put and purged, but the edge serves something else at {url} ({served.status})")
