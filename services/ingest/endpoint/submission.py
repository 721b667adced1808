"""Passes the bytes of one caller to the handlers, with their metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from fastapi import Request

from services.ingest.domain.accepted import Accepted, DocumentOutcome, Submitted
from services.ingest.domain.refusal import BacklogFullError, DryRunUnavailableError, RefusedError
from services.ingest.domain.report import Report
from services.ingest.endpoint.auth import Caller
from services.ingest.endpoint.deps import EndpointDeps, Threads, deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError
from services.ingest.endpoint.replies import (
    AlsoReply,
    ArticleReply,
    DryRunReply,
    dry_run_reply,
    links_to,
    reply_to,
)
from services.ingest.metrics import REFUSALS
from services.ingest.ports import SubmissionMetadata
from shared.model.lane import Lane
from shared.runtime.receipts import ReceiptStatus
from shared.site.sites import Site

_UNREAD = "not read yet"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Submission:
    """The metadata of the articles of one request."""

    caller: Caller
    lane: Lane
    content_type: str | None
    deps: EndpointDeps
    threads: Threads
    feed: str | None = None  # the feed that the request names
    also: Sequence[Site] = field(default=())  # the further sites

    async def accept(self, raw: bytes, site: Site) -> ArticleReply:
        """Read and commit an article at each site; return the result.

        Raises:
            RefusedError: the first site refused the article, so no site accepted it.
        """
        reply = reply_to(await self._accept_at(raw, site, None))
        further = [await self._accept_also(raw, other, site.id) for other in self.also]
        return reply.model_copy(update={"also": further}) if further else reply

    async def dry_run(self, raw: bytes, site: Site) -> DryRunReply:
        """Return the result that `accept` would have, the page, and the public files that would change.

        Raises:
            RefusedError: the first site would refuse the article.
            ProblemError: 503, pages cannot be rendered now.
        """
        requests = [self._metadata(site, None), *(self._metadata(other, site.id) for other in self.also)]
        try:
            outcomes = await self.threads.run(self.deps.dry_run, raw, requests)
        except DryRunUnavailableError as error:
            detail = f"{error}; nothing was changed: send the same request again after the seconds in Retry-After"
            raise ProblemError(503, detail, headers={"Retry-After": str(self.deps.retry_after_seconds)}) from error
        return dry_run_reply(outcomes)

    async def submit(self, raw: bytes, site: Site) -> ArticleReply:
        """Store the bytes, for a worker to read; return the receipts."""
        reply = await self._submit_to(raw, site, None)
        further = [AlsoReply(**dict(await self._submit_to(raw, other, site.id))) for other in self.also]
        return reply.model_copy(update={"also": further}) if further else reply

    async def submit_lines(self, raws: Sequence[bytes], site: Site) -> Sequence[Submitted | BacklogFullError]:
        """Store lines together, for a worker to read; return the receipt or the refusal of each line."""
        return await self.threads.run(self.deps.submit_lines, raws, self._metadata(site, None))

    async def _accept_also(self, raw: bytes, site: Site, canonical_site: str) -> AlsoReply:
        """Return the result at a further site; a refusal there does not affect the first site."""
        try:
            reply = reply_to(await self._accept_at(raw, site, canonical_site))
        except RefusedError as error:
            REFUSALS.labels(str(error.code)).inc()
            log.info(
                "submission.refused",
                site=site.id,
                status=error.code,
                pointers=[fault.pointer for fault in error.faults],
            )
            return AlsoReply(site=site.id, status=ReceiptStatus.REFUSED, reason=error.detail)
        return AlsoReply(**dict(reply))

    async def _accept_at(self, raw: bytes, site: Site, canonical_site: str | None) -> Accepted | DocumentOutcome:
        return await self.threads.run(self.deps.accept, raw, self._metadata(site, canonical_site))

    async def _submit_to(self, raw: bytes, site: Site, canonical_site: str | None) -> ArticleReply:
        submitted = await self.threads.run(self.deps.submit, raw, self._metadata(site, canonical_site))
        return ArticleReply(
            receipt=submitted.receipt,
            site=site.id,
            status=ReceiptStatus.ACCEPTED,
            links=links_to(site.id, submitted.receipt, None),
            report=Report(format=_UNREAD, warnings=(submitted.warning,)) if submitted.warning else None,
        )

    def _metadata(self, site: Site, canonical_site: str | None) -> SubmissionMetadata:
        return SubmissionMetadata(
            content_type=self.content_type,
            site=site,
            feed=self.caller.feed(site, self.feed),
            received_at=self.deps.clock(),
            may_take_down=self.caller.may_take_down,
            lane=self.lane,
            canonical_site=canonical_site,
        )


def submission_of(
    request: Request, caller: Caller, lane: Lane, feed: str | None, also: Sequence[Site] = ()
) -> Submission:
    """Return the submission of a request whose body is one document."""
    content_type = request.headers.get("content-type")
    return Submission(caller, lane, content_type, deps_of(request), threads_of(request), feed, also)
