"""The route that accepts many articles in one request, one a line; lines are stored in batches as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.document import Document
from services.ingest.domain.refusal import BacklogFullError, Fault, RefusedError, unacceptable
from services.ingest.endpoint.auth import RequirePublish
from services.ingest.endpoint.body import check_declared
from services.ingest.endpoint.deps import batch_threads_of, deps_of, threads_of
from services.ingest.endpoint.examples import BATCH_ANSWER, BATCH_BODY, NDJSON
from services.ingest.endpoint.idempotency import REFUSES_IDEMPOTENCY_KEY
from services.ingest.endpoint.line_by_line import LineByLine, SendReply
from services.ingest.endpoint.lines import BodyEndedError, BodyLines, Line
from services.ingest.endpoint.problems import UNEXPECTED, Problem, ProblemFault, documented, request_id
from services.ingest.endpoint.replies import BatchLineReply
from services.ingest.endpoint.sites import FeedName, SiteName
from services.ingest.endpoint.submission import Submission
from services.ingest.metrics import REFUSALS
from shared.messaging.messages import MAX_BATCH_ITEMS
from shared.model.lane import Lane
from shared.runtime.errors import RetryableError
from shared.site.sites import Site

_MAX_PARALLEL_BATCHES = 2  # per request
_MAX_BATCH_BYTES = 512 * 1024  # a larger batch gets no more lines
_MAX_BATCH_AGE_SECONDS = 0.1
_LINE_TYPE = "application/json"  # the format is detected from the content
_ACCEPTED_TYPES = frozenset(
    {NDJSON, "application/ndjson", "application/jsonl", "application/octet-stream", "text/plain", ""}
)
_SEND_LINE_AGAIN = "this line was not accepted: send it again after retry_after_seconds"
_SEND_REST_AGAIN = "this line and all later lines were not accepted: send them in another request"

router = APIRouter(tags=["articles"])
log = structlog.get_logger()

_Answer = asyncio.Future[BatchLineReply]
_Waiting = tuple[Line, _Answer]


@dataclass(slots=True)
class _Lines:
    """The lines of one request. `waiting` holds the next line until a batch takes it."""

    submission: Submission
    site: Site
    lines: BodyLines
    max_lines: int
    max_line_bytes: int
    retry_after_seconds: int
    instance: str | None
    answers: asyncio.Queue[_Answer | None] = field(default_factory=asyncio.Queue)
    waiting: asyncio.Queue[_Waiting | None] = field(default_factory=partial(asyncio.Queue, maxsize=1))
    counts: dict[str, int] = field(default_factory=dict)
    is_store_down: bool = False
    is_abandoned: bool = False

    async def run(self, send_reply: SendReply) -> None:
        """Read the lines, store them, and send a reply for each, in order.

        Reading never waits for replies, because many clients read no reply before they have sent their request.
        The replies wait in memory, one a line; the number of lines is limited.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._store(group))
            while (answer := await self.answers.get()) is not None:
                reply = await answer
                self.counts[reply.status] = self.counts.get(reply.status, 0) + 1
                await send_reply(reply)
        log.info("batch.answered", site=self.site.id, token=self.submission.caller.name, **self.counts)
        if self.is_abandoned:
            raise ClientDisconnect

    async def _read(self) -> None:
        try:
            async for line in self.lines:
                self._check_limits(line)
                await self.waiting.put((line, self._answer()))
        except BodyEndedError as error:
            self._answer().set_result(self._stopped(error))
            await self.lines.drain()
        except ClientDisconnect:
            self.is_abandoned = True
        await self.waiting.put(None)
        self.answers.put_nowait(None)

    def _answer(self) -> _Answer:
        """Return a future for the next line's reply, queued after the earlier ones."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        self.answers.put_nowait(answer)
        return answer

    def _check_limits(self, line: Line) -> None:
        if line.number > self.max_lines:
            raise BodyEndedError(413, f"a request may have at most {self.max_lines} lines")
        if self.is_store_down:
            raise BodyEndedError(503, "the store does not answer now")

    async def _store(self, group: asyncio.TaskGroup) -> None:
        """Store the lines in batches; a batch ends when it is full, after 100 ms, or with the last line."""
        slots = asyncio.Semaphore(_MAX_PARALLEL_BATCHES)
        while batch := await self._next_batch():
            await slots.acquire()
            group.create_task(self._store_batch(batch)).add_done_callback(lambda _: slots.release())

    async def _next_batch(self) -> list[_Waiting]:
        """Return the lines of the next batch; empty after the last."""
        batch: list[_Waiting] = []
        size_bytes = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as closing:
                while len(batch) < MAX_BATCH_ITEMS and size_bytes < _MAX_BATCH_BYTES:
                    waiting = await self.waiting.get()
                    if waiting is None:
                        self.waiting.put_nowait(None)  # for the next call
                        break
                    if not batch:
                        closing.reschedule(asyncio.get_running_loop().time() + _MAX_BATCH_AGE_SECONDS)
                    batch.append(waiting)
                    size_bytes += len(waiting[0].raw or b"")
        return batch

    async def _store_batch(self, batch: Sequence[_Waiting]) -> None:
        """Store a batch and answer each line; a fault of one line does not affect the others."""
        lines = [line for line, _ in batch]
        try:
            checked = await self.submission.threads.run(_articles_in, lines, self.max_line_bytes)
            raws = [each for each in checked if isinstance(each, bytes)]
            stored = iter(await self._submit(raws) if raws else ())
            outcomes = [next(stored) if isinstance(each, bytes) else each for each in checked]
        except Exception as error:  # the response has begun, so no handler of the framework can answer 500
            log.exception("line.failed", line=lines[0].number, lines=len(lines))
            outcomes = [error] * len(lines)
        for (line, answer), outcome in zip(batch, outcomes, strict=True):
            answer.set_result(self._reply(line, outcome))

    async def _submit(self, raws: Sequence[bytes]) -> Sequence[Submitted | Exception]:
        try:
            return await self.submission.submit_lines(raws, self.site)
        except RetryableError as error:
            log.warning("lines.deferred", reason=type(error).__name__, lines=len(raws))
            self.is_store_down = True
            return [error] * len(raws)

    def _reply(self, line: Line, outcome: Submitted | Exception) -> BatchLineReply:
        match outcome:
            case Submitted():
                return BatchLineReply(
                    line=line.number, status="accepted", receipt=outcome.receipt, warning=outcome.warning
                )
            case RefusedError():
                problem = _problem(outcome.code, outcome.title, outcome.detail, outcome.faults)
            case BacklogFullError():
                return self._busy(line, "Backlog full", f"{outcome}; {_SEND_LINE_AGAIN}")
            case RetryableError():
                return self._busy(line, "Service Unavailable", f"the store does not answer now; {_SEND_LINE_AGAIN}")
            case _:
                problem = _problem(500, "Internal Server Error", UNEXPECTED)
                problem = problem.model_copy(update={"instance": self.instance})
        return BatchLineReply(line=line.number, status="refused", problem=problem)

    def _busy(self, line: Line, title: str, detail: str) -> BatchLineReply:
        return BatchLineReply(
            line=line.number,
            status="busy",
            problem=_problem(503, title, detail),
            retry_after_seconds=self.retry_after_seconds,
        )

    def _stopped(self, error: BodyEndedError) -> BatchLineReply:
        is_temporary = error.status == HTTPStatus.SERVICE_UNAVAILABLE
        return BatchLineReply(
            line=self.lines.number,
            status="stopped",
            problem=_problem(error.status, HTTPStatus(error.status).phrase, f"{error}; {_SEND_REST_AGAIN}"),
            retry_after_seconds=self.retry_after_seconds if is_temporary else None,
        )


@router.post(
    "/v1/batches",
    summary="Post many articles",
    operation_id="postBatch",
    status_code=200,
    response_model=None,
    response_class=LineByLine,
    dependencies=[REFUSES_IDEMPOTENCY_KEY],
    responses={200: BATCH_ANSWER, **documented(400, 401, 403, 413, 415, 422, 503)},
    openapi_extra={"requestBody": BATCH_BODY},
)
async def post_batch(
    request: Request, caller: RequirePublish, site: SiteName = None, feed: FeedName = None
) -> Response:
    """Accept articles as lines of JSON (NDJSON), and answer each line as it arrives.

    A line is a JSON object in any supported form, or a JSON string that holds a whole document, such as XML.

    Each line is stored and answered with a receipt. A worker reads the line later, after the news (`lane=bulk`); the
    receipt shows the reader's report. Lines that arrive together are stored together, within 100 ms. The answer has
    one line for each line that is not blank, in their order:

    `accepted`: stored; see `receipt`. `refused`: no JSON object or string, or too long. `busy`: not accepted now; send
    the line again after `retry_after_seconds`. `stopped`, always the last: this line and all later lines were not
    accepted. The request has too many lines, a line did not arrive in time, or the store is down.

    A refused or busy line does not affect the others. If the connection is lost, answered lines are safe. Send the
    rest again, unanswered lines too: the same bytes are a `duplicate`. Workers read several lines in parallel, so
    revisions of one article need `version_created` for their order.

    `Idempotency-Key` is refused with 400, because the answer is a stream.

    If the queues are too long, the whole request gets 503 and nothing is read. A batch goes to one site.
    """
    deps, settings = deps_of(request), deps_of(request).settings
    if len(request.query_params.getlist("site")) > 1:
        raise unacceptable([Fault("", "a batch goes to one site; post it to each site")])
    chosen_site = caller.site(site)
    caller.feed(chosen_site, feed)
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in _ACCEPTED_TYPES:
        raise RefusedError(415, f"a batch has one article as JSON per line; send it as {NDJSON}")
    check_declared(request, max_bytes=deps.max_batch_bytes)
    await threads_of(request).run(deps.admit, Lane.BULK)
    batch = _Lines(
        submission=Submission(caller, Lane.BULK, _LINE_TYPE, deps, batch_threads_of(request), feed),
        site=chosen_site,
        lines=BodyLines(
            request.stream(),
            max_line_bytes=settings.max_article_bytes,
            max_bytes=deps.max_batch_bytes,
            timeout_seconds=deps.body_timeout_seconds,
        ),
        max_lines=settings.max_batch_lines,
        max_line_bytes=settings.max_article_bytes,
        retry_after_seconds=deps.retry_after_seconds,
        instance=request_id(request),
    )
    return LineByLine(batch.run)


def _articles_in(lines: Sequence[Line], max_line_bytes: int) -> list[bytes | RefusedError]:
    """Return each line's bytes, or the refusal of the line."""
    found: list[bytes | RefusedError] = []
    for line in lines:
        try:
            found.append(_article_in(line, max_line_bytes))
        except RefusedError as error:
            found.append(error)
    return found


def _article_in(line: Line, max_line_bytes: int) -> bytes:
    """Return the document of a line: the line itself, or the text of a JSON string, which may have any format.

    Raises:
        RefusedError: 413 too long, 400 no JSON, 422 neither an object nor a string with a document.
    """
    if line.raw is None:
        raise RefusedError(413, f"the line is longer than the maximum of {max_line_bytes} bytes")
    value = Document(line.raw, name="the line").json()
    if isinstance(value, dict):
        return line.raw
    if isinstance(value, str) and value.strip():
        return value.encode("utf-8", "replace")
    raise unacceptable([Fault("", "is neither a JSON object nor a JSON string with a document; a line is one article")])


def _problem(status: int, title: str, detail: str, faults: tuple[Fault, ...] = ()) -> Problem:
    REFUSALS.labels(str(status)).inc()
    errors = [ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in faults]
    return Problem(title=title, status=status, detail=detail, errors=errors)
