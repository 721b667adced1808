"""Many articles in one request, one a line: each is stored and answered by itself, as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.ingest.domain.document import Document
from services.ingest.domain.refusal import BacklogFullError, Fault, RefusedError, unacceptable
from services.ingest.endpoint.auth import Publisher
from services.ingest.endpoint.body import check_declared
from services.ingest.endpoint.deps import batch_threads_of, deps_of, threads_of
from services.ingest.endpoint.examples import BATCH_ANSWER, BATCH_BODY, NDJSON
from services.ingest.endpoint.lines import BodyEndedError, BodyLines, Line
from services.ingest.endpoint.metrics import REFUSALS
from services.ingest.endpoint.problems import UNEXPECTED, Problem, ProblemFault, documented, request_id
from services.ingest.endpoint.replies import BatchLineReply
from services.ingest.endpoint.sites import FeedName, SiteName
from services.ingest.endpoint.submission import Submission
from shared.errors import RetryableError
from shared.messages import Lane
from shared.sites import Site

_SIDE_BY_SIDE = 8  # lines of one request that may wait for the store at the same time
_LINE_TYPE = "application/json"  # of whichever form: which one, the article itself shows
_TAKEN = frozenset({NDJSON, "application/ndjson", "application/jsonl", "application/octet-stream", "text/plain", ""})
_AGAIN = "this line was not accepted: send it again after retry_after_seconds"
_REST = "this line and all that follow were not taken: send them in another request"

router = APIRouter(tags=["articles"])
log = structlog.get_logger()

Tell = Callable[[BatchLineReply], Awaitable[None]]


@dataclass(slots=True)
class _Batch:
    """One request's lines on their way in."""

    submission: Submission
    site: Site
    lines: BodyLines
    max_lines: int
    max_line_bytes: int
    retry_after_seconds: int
    instance: str | None
    counts: dict[str, int] = field(default_factory=dict)
    is_store_down: bool = False
    is_abandoned: bool = False

    async def run(self, tell: Tell) -> None:
        """Take line after line, several side by side, and tell what became of each, in their order.

        Reading never waits for the telling: many clients read no answer before they have sent all of their request.
        What is held for them is an answer a line, and the lines are counted.
        """
        answers: asyncio.Queue[asyncio.Future[BatchLineReply] | None] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(group, answers))
            while (answer := await answers.get()) is not None:
                reply = await answer
                self.counts[reply.status] = self.counts.get(reply.status, 0) + 1
                await tell(reply)
        log.info("batch.answered", site=self.site.id, token=self.submission.caller.name, **self.counts)
        if self.is_abandoned:
            raise ClientDisconnect

    async def _read(
        self, group: asyncio.TaskGroup, answers: asyncio.Queue[asyncio.Future[BatchLineReply] | None]
    ) -> None:
        room = asyncio.Semaphore(_SIDE_BY_SIDE)
        try:
            async for line in self.lines:
                await room.acquire()
                self._check_that_it_goes_on(line)
                task = group.create_task(self._take(line))
                task.add_done_callback(lambda _: room.release())
                answers.put_nowait(task)
        except BodyEndedError as error:
            last = asyncio.get_running_loop().create_future()
            last.set_result(self._stopped(error))
            answers.put_nowait(last)
            await self.lines.drain()
        except ClientDisconnect:
            self.is_abandoned = True
        finally:
            answers.put_nowait(None)

    def _check_that_it_goes_on(self, line: Line) -> None:
        if line.number > self.max_lines:
            raise BodyEndedError(413, f"no more than {self.max_lines} lines are taken in one request")
        if self.is_store_down:
            raise BodyEndedError(503, "the store does not answer now")

    async def _take(self, line: Line) -> BatchLineReply:
        """Return what became of a line; nothing that is wrong with it touches the others."""
        try:
            raw = await self.submission.threads.run(_article_in, line, self.max_line_bytes)
            reply = await self.submission.submit(raw, self.site)
        except RefusedError as error:
            problem = _problem(error.code, error.title, error.detail, error.faults)
            return BatchLineReply(line=line.number, status="refused", problem=problem)
        except BacklogFullError as error:
            return self._busy(line, "Too much is waiting", f"{error}; {_AGAIN}")
        except RetryableError as error:
            log.warning("line.deferred", reason=type(error).__name__)
            self.is_store_down = True
            return self._busy(line, "Service Unavailable", f"the store does not answer now; {_AGAIN}")
        except Exception:  # the answer has begun: no handler of the framework's could say 500 or spare the other lines
            log.exception("line.failed", line=line.number)
            problem = _problem(500, "Internal Server Error", UNEXPECTED).model_copy(update={"instance": self.instance})
            return BatchLineReply(line=line.number, status="refused", problem=problem)
        warning = reply.report.warnings[0] if reply.report else None
        return BatchLineReply(line=line.number, status="accepted", receipt=reply.receipt, warning=warning)

    def _busy(self, line: Line, title: str, detail: str) -> BatchLineReply:
        return BatchLineReply(
            line=line.number,
            status="busy",
            problem=_problem(503, title, detail),
            retry_after_seconds=self.retry_after_seconds,
        )

    def _stopped(self, error: BodyEndedError) -> BatchLineReply:
        is_for_now = error.status == HTTPStatus.SERVICE_UNAVAILABLE
        return BatchLineReply(
            line=self.lines.number,
            status="stopped",
            problem=_problem(error.status, HTTPStatus(error.status).phrase, f"{error}; {_REST}"),
            retry_after_seconds=self.retry_after_seconds if is_for_now else None,
        )


class LineByLine(Response):
    """An answer that is sent while the request still comes; Starlette's own would read the request away meanwhile."""

    media_type = NDJSON

    def __init__(self, run: Callable[[Tell], Awaitable[None]]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's form
        """Send each line once it is known; the head with the first, for a client may wait for 100 Continue."""
        is_begun = False

        async def begin() -> None:
            nonlocal is_begun
            if not is_begun:
                is_begun = True
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

        async def tell(reply: BatchLineReply) -> None:
            await begin()
            line = reply.model_dump_json(exclude_none=True).encode() + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})

        await self._run(tell)
        await begin()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@router.post(
    "/v1/batches",
    summary="Post many articles",
    operation_id="postBatch",
    status_code=200,
    response_model=None,
    response_class=LineByLine,
    responses={200: BATCH_ANSWER, **documented(401, 403, 413, 415, 422, 503)},
    openapi_extra={"requestBody": BATCH_BODY},
)
async def post_batch(request: Request, caller: Publisher, site: SiteName = None, feed: FeedName = None) -> Response:
    """Take articles as lines of JSON (NDJSON), in any JSON form that is read, and answer each line as it comes.

    Every line is stored, answered with a receipt and left to a worker to read, behind the news (`lane=bulk`); what the
    reader said of it, its receipt tells. The answer has one line for each line that is not blank, in their order:

    `accepted`: it is stored; `receipt` tells what becomes of it. `refused`: it is no JSON object, or too long. `busy`:
    not taken now, send it again after `retry_after_seconds`. `stopped`, always the last: this line and all that follow
    were not taken, because there are too many in one request, or a line did not come in time, or the store is down.

    A line that is refused or busy stops none of the others. Where the connection is lost, what was answered is safe;
    send the rest again, and also what was sent and not answered: the same bytes are a `duplicate`. Workers read
    several lines side by side: revisions of one article need `version_created` to be put in order.

    When too much waits already the whole request is answered 503 and nothing is read. A batch goes to one site.
    """
    deps, settings = deps_of(request), deps_of(request).settings
    if len(request.query_params.getlist("site")) > 1:
        raise unacceptable([Fault("", "a batch goes to one site; post it to each")])
    meant = caller.site(site)
    caller.feed(meant, feed)
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in _TAKEN:
        raise RefusedError(415, f"a batch is articles as lines of JSON; send it as {NDJSON}")
    check_declared(request, max_bytes=settings.max_batch_bytes)
    await threads_of(request).run(deps.admit, Lane.BULK)
    batch = _Batch(
        submission=Submission(caller, Lane.BULK, _LINE_TYPE, deps, batch_threads_of(request), feed),
        site=meant,
        lines=BodyLines(
            request.stream(),
            max_line_bytes=settings.max_article_bytes,
            max_bytes=settings.max_batch_bytes,
            timeout_seconds=settings.body_timeout_seconds,
        ),
        max_lines=settings.max_batch_lines,
        max_line_bytes=settings.max_article_bytes,
        retry_after_seconds=settings.retry_after_seconds,
        instance=request_id(request),
    )
    return LineByLine(batch.run)


def _article_in(line: Line, max_line_bytes: int) -> bytes:
    """Return a line's bytes, if they may be an article.

    Raises:
        RefusedError: 413 it is too long, 400 it is no JSON, 422 it is no object.
    """
    if line.raw is None:
        raise RefusedError(413, f"the line is longer than {max_line_bytes} bytes, which is the most that is taken")
    if not isinstance(Document(line.raw, called="the line").json(), dict):
        raise unacceptable([Fault("", "is not a JSON object; a line is one whole article")])
    return line.raw


def _problem(status: int, title: str, detail: str, faults: tuple[Fault, ...] = ()) -> Problem:
    REFUSALS.labels(str(status)).inc()
    errors = [ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in faults]
    return Problem(title=title, status=status, detail=detail, errors=errors)
