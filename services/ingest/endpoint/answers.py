"""Responses to accepted submissions: at once, or after a wait (`Prefer: wait`)."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response

from services.ingest.domain.report import Report
from services.ingest.domain.states import ReceiptState
from services.ingest.endpoint.deps import deps_of
from services.ingest.endpoint.preferences import Preferences
from services.ingest.endpoint.replies import ArticleReply, EntryReply, json_response, links_to
from shared.runtime.receipts import ReceiptStatus

REPLY_HEADERS = {
    "Location": {"schema": {"type": "string"}, "description": "The receipt, with the submission's status."},
    "Preference-Applied": {"schema": {"type": "string"}, "description": "The applied part of `Prefer`."},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "`wait=N`: answer once the page is live, at the latest after N seconds. `respond-async`: answer as "
    "soon as the bytes are stored; a worker reads them later (RFC 7240).",
    "example": "wait=10",
}

_NOT_DONE_YET = "the same content was sent before and is still being processed; readers see the old state"


async def answer(request: Request, reply: ArticleReply, preferences: Preferences) -> Response:
    """Return the response: 200 if every status is final, otherwise 202."""
    is_done = reply.status.is_final
    are_others_done = all(each.status.is_final for each in reply.also or ())
    if preferences.wait_seconds is not None and reply.status in (ReceiptStatus.ACCEPTED, ReceiptStatus.DUPLICATE):
        state = await deps_of(request).wait(reply.receipt, preferences.wait_seconds)
        if state is not None and state.status.is_final:
            status = state.status if reply.status is ReceiptStatus.ACCEPTED else reply.status
            outcome = {"status": status, "url": state.url, "reason": state.reason or reply.reason}
            ids = {"article": state.article or reply.article, "revision": state.revision or reply.revision}
            links = links_to(reply.site, reply.receipt, ids["article"])
            report = _report_of(reply, state)
            reply = reply.model_copy(update={**outcome, **ids, "links": links, "report": report})
            is_done = True
        elif state is not None and reply.status is ReceiptStatus.DUPLICATE:
            reply = reply.model_copy(update={"status": state.status, "reason": _NOT_DONE_YET})
            is_done = False
        if state is not None and reply.entries and state.entries:
            reply = reply.model_copy(update={"entries": _entries_of(reply.entries, state)})
        if state is not None and not is_done:
            reply = reply.model_copy(update={"waits_for": state.waits_for})
    headers = {"Location": f"/v1/receipts/{reply.receipt}"}
    if preferences.applied:
        headers["Preference-Applied"] = preferences.applied
    return json_response(HTTPStatus.OK if is_done and are_others_done else HTTPStatus.ACCEPTED, reply, headers)


def _entries_of(entries: list[EntryReply], state: ReceiptState) -> list[EntryReply]:
    """Return the entries with their present status; one that was a duplicate stays one."""
    return [
        entry
        if entry.status is ReceiptStatus.DUPLICATE
        else entry.model_copy(update={"status": now.status, "url": now.url, "reason": now.reason})
        for entry, now in zip(entries, state.entries, strict=True)
    ]


def _report_of(reply: ArticleReply, state: ReceiptState) -> Report | None:
    """Return the reader's report with the warnings of later steps."""
    if reply.report is None or state.report is None:
        return reply.report or state.report
    return reply.report.with_warnings(state.report.warnings)
