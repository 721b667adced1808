"""A client of the real endpoint, and fakes of the endpoint's dependencies."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from services.ingest.adapters.event_streams import SharedEventStreams
from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.adapters.readers import FORMATS, read_document
from services.ingest.domain.accepted import Accepted, AcceptedStatus, Submitted
from services.ingest.domain.assets import Asset
from services.ingest.domain.dry_runs import Change, DryRunEntry, DryRunOutcome
from services.ingest.domain.pictures import StoredPicture
from services.ingest.domain.reasons import Reasons
from services.ingest.domain.refusal import BacklogFullError, RefusedError
from services.ingest.domain.report import Report
from services.ingest.domain.states import ArticleState, PublishedPage, ReceiptState
from services.ingest.domain.tracing import trace_parent
from services.ingest.endpoint import EndpointDeps, create_app
from services.ingest.handler import Fronts, StoredAsset
from services.ingest.ports import Allowance, KeptAnswer, Reading, SubmissionMetadata
from services.ingest.settings import IngestSettings
from shared.index.redis import RedisIndex
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.reconcile.status_events import StatusEvents
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.feed_secrets import FeedSecrets
from shared.runtime.hub_subscriptions import HubSubscriptions
from shared.runtime.receipts import ReceiptStatus, Stage
from shared.runtime.redis_client import redis_client
from shared.runtime.settings import ServiceSettings
from shared.runtime.tokens import Tokens, mint
from shared.site.keys import article_id
from shared.site.sites import Feed, Section, Site
from shared.storage.memory import MemoryObjectStorage

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_LIMITS_IN_DEPS = (
    "max_batch_bytes",
    "body_timeout_seconds",
    "retry_after_seconds",
    "rate_limits",
    "kept_answers",
)  # the others are settings
BACKLOG_TEXT = "20001 messages wait"
REVISION = "01700000000000000-0000000001-000"
OWN = {"source_id": "a-1", "headline": "Bridge reopens", "body": "<p>It is open.</p>"}


def a_site(name: str) -> Site:
    return Site(
        id=name,
        name=name.upper(),
        tagline="",
        base_url="https://epn.example",
        zone="UTC",
        language="en",
        theme="epn",
        default_section="news",
        sections=(Section(id="news", name="News"),),
    )


@dataclass
class Newsroom:
    """Fakes of the endpoint's dependencies; they record their calls."""

    status: AcceptedStatus = "accepted"
    final_status: ReceiptStatus | None = None
    error: Exception | None = None
    warning: str | None = None
    full_for: Lane | None = None
    down: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)  # lines of each
    waited: list[float] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)
    allowance: Allowance | None = None  # None: Redis is down
    answers: dict[str, KeptAnswer] = field(default_factory=dict)
    counted: list[tuple[str, int]] = field(default_factory=list)  # token, requests per minute
    entries: int = 1  # of a dry run
    assets: dict[tuple[str, str, str], Asset] = field(default_factory=dict)  # site, feed, name

    def accept(self, raw: bytes, metadata: SubmissionMetadata) -> Accepted:
        self._note(raw, metadata)
        self.traces.append(trace_parent.get())
        if self.error:
            raise self.error
        site = metadata.site
        (reading,) = read_document(raw, metadata.content_type, metadata)
        assert isinstance(reading, Reading)
        article = article_id(site.id, reading.article.source, reading.article.source_id)
        receipt = f"{site.id}.{article}.{REVISION}"
        return Accepted(
            status=self.status,
            site=site.id,
            article=article,
            revision=REVISION,
            receipt=receipt,
            report=reading.report,
        )

    def dry_run(self, raw: bytes, requests: Sequence[SubmissionMetadata]) -> list[DryRunOutcome]:
        """Return an outcome at each site, from the results of `accept`; the call is no post."""
        outcomes: list[DryRunOutcome] = []
        for metadata in requests:
            accepted = self.accept(raw, metadata)
            self.calls.pop()
            (reading,) = read_document(raw, metadata.content_type, metadata)
            assert isinstance(reading, Reading)
            changes = (Change(path="index.html", url="https://epn.example/", why="lists the newest articles"),)
            entry = DryRunEntry(
                name=reading.article.source_id,
                status=ReceiptStatus(accepted.status),
                report=accepted.report,
                article=reading.article,
                changes=changes,
            )
            html = None if outcomes else "<p>The page.</p>"
            outcomes.append(DryRunOutcome(site=accepted.site, entries=(entry,) * self.entries, html=html))
        return outcomes

    def _note(self, raw: bytes, metadata: SubmissionMetadata) -> None:
        self.calls.append({each.name: getattr(metadata, each.name) for each in fields(metadata)} | {"raw": raw})

    def submit(self, raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        self._note(raw, metadata)
        if self.error:
            raise self.error
        return Submitted(receipt="c0ffee", warning=self.warning)

    def submit_lines(self, raws: Sequence[bytes], metadata: SubmissionMetadata) -> list[Submitted | BacklogFullError]:
        self.batches.append(len(raws))
        outcomes: list[Submitted | BacklogFullError] = []
        for raw in raws:
            try:
                outcomes.append(self.submit(raw, metadata))
            except BacklogFullError as error:
                outcomes.append(error)
        return outcomes

    def admit(self, lane: Lane) -> None:
        if self.full_for is lane:
            raise BacklogFullError(BACKLOG_TEXT)

    def act(self, kind: str, **arguments: Any) -> Accepted:
        self.calls.append(arguments | {"kind": kind})
        if self.error:
            raise self.error
        site, article = arguments["site"].id, arguments["article"]
        return Accepted(
            status=self.status,
            site=site,
            article=article,
            revision=REVISION,
            receipt=f"{site}.{article}.{REVISION}",
            report=Report(format="pressline-action-1"),
            text_of=REVISION if kind == "restore" else None,
        )

    def store_picture(self, data: bytes, *, site: Site) -> StoredPicture:
        facts, digest = clean_picture(data).facts, hashlib.sha256(data).hexdigest()
        is_new = digest not in self.pictures
        self.pictures.add(digest)
        return StoredPicture(**facts.model_dump(), media=digest, size_bytes=len(data), is_new=is_new)

    def store_asset(self, name: str, data: bytes | None, *, site: Site, feed: Feed) -> StoredAsset:
        asset = Asset(name=name, reason="the file is no picture")
        with suppress(RefusedError):
            asset = Asset(name=name, media=self.store_picture(data or b"", site=site).media)
        is_new = self.find_asset(name, site.id, feed.id) is None
        self.assets[site.id, feed.id, name] = asset
        return StoredAsset(asset, is_new)

    def find_asset(self, name: str, site: str, feed: str) -> Asset | None:
        return self.assets.get((site, feed, name))

    async def wait(self, receipt: str, seconds: float) -> ReceiptState | None:
        self.waited.append(seconds)
        return self.receipt(receipt)

    def receipt(self, receipt: str) -> ReceiptState | None:
        if receipt not in ("c0ffee", "other") and not receipt.startswith("epn."):
            return None
        url = "https://epn.example/news/x/" if self.final_status is ReceiptStatus.LIVE else None
        return ReceiptState(
            receipt=receipt,
            site="other" if receipt == "other" else "epn",
            status=self.final_status or ReceiptStatus.ACCEPTED,
            article="a" * 26,
            revision=REVISION,
            url=url,
            stages=(Stage(name="accepted", at=NOW),),
            pages=(PublishedPage(path="news/x/index.html", url=url),) if url else (),
        )

    def article(self, site: str, article: str) -> ArticleState | None:
        if article != "a" * 26:
            return None
        return ArticleState(
            site=site,
            article=article,
            source="desk",
            source_id="a-1",
            headline="Bridge reopens",
            status=ReceiptStatus.LIVE,
            revision=REVISION,
            revisions=1,
        )

    def why(self, url: str, site: Site) -> Reasons:
        return Reasons(url=url, path="index.html", status=200, kind="listing", listing="home", is_current=True)

    def take(self, token_sha256: str, requests_per_minute: int) -> Allowance | None:
        self.counted.append((token_sha256, requests_per_minute))
        return self.allowance

    def claim(self, key: str, fingerprint: str, seconds: int) -> KeptAnswer | None:
        if key in self.answers:
            return self.answers[key]
        self.answers[key] = KeptAnswer(fingerprint=fingerprint)
        return None

    def keep(self, key: str, answer: KeptAnswer) -> None:
        self.answers[key] = answer

    def release(self, key: str) -> None:
        self.answers.pop(key, None)

    def ready(self) -> list[str]:
        return self.down


@dataclass
class Api:
    """Calls the endpoint as a client, and checks every response against the OpenAPI description."""

    app: FastAPI
    portal: BlockingPortal
    token: str | None

    def __call__(self, method: str, path: str, **rest: Any) -> httpx.Response:
        headers = ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | rest.pop("headers", {})
        answer: httpx.Response = self.portal.call(self._call, method, path, headers, rest)
        self._check_against_description(method, path, answer)
        return answer

    def post(self, article: object, path: str = "/v1/articles", **headers: str) -> httpx.Response:
        content = article if isinstance(article, bytes) else json.dumps(article).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("POST", path, content=content, headers={"Content-Type": "application/json"} | named)

    async def _call(self, method: str, path: str, headers: dict[str, str], rest: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://endpoint") as client:
            answer: httpx.Response = await client.request(method, path, headers=headers, **rest)
            return answer

    def _check_against_description(self, method: str, path: str, answer: httpx.Response) -> None:
        assert answer.headers["x-request-id"]
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
            assert answer.json()["detail"]
        for pattern, operations in self.app.openapi()["paths"].items():
            is_this = re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path.partition("?")[0])
            if is_this and method.lower() in operations:
                assert str(answer.status_code) in operations[method.lower()]["responses"]


def an_app(
    newsroom: Newsroom,
    storage: MemoryObjectStorage,
    *,
    index: RedisIndex | None = None,
    sites: dict[str, Site] | None = None,
    streams: SharedEventStreams | None = None,
    **limits: Any,
) -> FastAPI:
    """Return the real endpoint with the fakes; without an index or streams, Redis is down."""
    nowhere = ServiceSettings(redis_url="redis://127.0.0.1:1/0")
    own = {name: limits.pop(name) for name in _LIMITS_IN_DEPS if name in limits}
    settings = {"max_article_bytes": 10_000, "max_picture_bytes": 50_000} | limits
    return create_app(
        EndpointDeps(
            formats=FORMATS,
            settings=IngestSettings(**settings, _env_file=None),
            sites=sites or {name: a_site(name) for name in ("epn", "other")},
            find_token=Tokens(storage).find,
            admit=newsroom.admit,
            accept=newsroom.accept,
            dry_run=newsroom.dry_run,
            submit=newsroom.submit,
            submit_lines=newsroom.submit_lines,
            act=newsroom.act,
            fronts=Fronts(storage, StoredRevisions(storage), index or RedisIndex(redis_client(nowhere))),
            store_picture=newsroom.store_picture,
            find_feed_secrets=FeedSecrets(storage, ttl_seconds=0).find,
            store_asset=newsroom.store_asset,
            find_asset=newsroom.find_asset,
            wait=newsroom.wait,
            receipt=newsroom.receipt,
            article=newsroom.article,
            why=newsroom.why,
            rate_limits=own.pop("rate_limits", newsroom),
            kept_answers=own.pop("kept_answers", newsroom),
            events=streams or no_streams(storage),
            hub_subscriptions=HubSubscriptions(storage),
            ready=newsroom.ready,
            clock=lambda: NOW,
            **own,
        )
    )


def no_streams(storage: MemoryObjectStorage) -> SharedEventStreams:
    """Return the streams of an endpoint whose Redis is down."""
    nowhere = RedisEventLog(redis_client(ServiceSettings(redis_url="redis://127.0.0.1:1/0")))
    return SharedEventStreams(
        lambda: StatusEvents(nowhere, storage, StoredRevisions(storage), {}, lambda: NOW), max_streams=1
    )


def with_token(api: Api, storage: MemoryObjectStorage, *scopes: str, sites: tuple[str, ...] = ("epn",)) -> Api:
    return Api(api.app, api.portal, mint(storage, name="x", scopes=scopes, sites=sites, now=NOW))


def pointers(answer: httpx.Response) -> list[str]:
    return [fault["pointer"] for fault in answer.json()["errors"]]
