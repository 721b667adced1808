"""Maps a request to a path of the bucket, and a cache entry to an answer."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import ipaddress
import re
import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from infra.local.edge.cache import Cache, Entry
from infra.local.edge.esi import Include, has_esi, parts_of, without_esi
from infra.local.edge.origin import Origin, OriginDownError
from infra.local.edge.settings import EdgeSettings
from shared.site.keys import INDEX_DOCUMENT, path_surrogate_key

RESERVED = "/.pressline/"
_NOT_FOUND_PAGE = "404.html"
_PATH = path_surrogate_key("")[:-1]
_MAX_PATH_BYTES = 1_024  # S3's limit for a key
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ufffd]")
_S_MAXAGE = re.compile(r"\s*\bs-maxage\s*=\s*\"?\d+\"?\s*(?:,|$)", re.IGNORECASE)
_GZIPPED = re.compile(r"^(?:text/|application/(?:[a-z.+-]*(?:json|xml)|javascript)|image/svg)", re.IGNORECASE)
_ACCEPTS_GZIP = re.compile(
    r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)", re.IGNORECASE
)
_MIN_GZIP_BYTES = 600
_GZIP_LEVEL = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before compression and before If-None-Match."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass(slots=True)
class _Counts:
    hits: int = 0
    misses: int = 0
    purges: int = 0


@dataclass(slots=True)
class Edge:
    """The whole edge, as an ASGI application."""

    settings: EdgeSettings
    origin: Origin
    cache: Cache
    is_of_one_site: bool = False  # then a purge by path affects only that site
    _fetches_by_name: dict[str, asyncio.Task[Entry]] = field(default_factory=dict)
    _counts: _Counts = field(default_factory=_Counts)

    @classmethod
    def of(cls, settings: EdgeSettings, origin: Origin) -> Edge:
        """Return an edge with an empty cache."""
        return cls(settings, origin, Cache(settings.edge_cache_bytes, time.monotonic))

    def before(self, origin: Origin) -> Edge:
        """Return the edge of one of several sites; all share the cache and the counts of this edge."""
        return replace(self, origin=origin, is_of_one_site=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._respond(request)
        for name, value in self.settings.headers.items():
            response.headers[name] = value
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "PURGE":
            return self._purge(request)
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("the edge takes GET, HEAD and PURGE\n", 405, {"allow": "GET, HEAD, PURGE"})
        url_path = request.scope["path"]
        if url_path.startswith(RESERVED):
            return self._reserved(url_path)
        try:
            answer = await self._answer(url_path)
        except OriginDownError as error:
            log.warning("origin.failed", path=url_path, reason=str(error))
            return PlainTextResponse("the origin does not answer\n", 503, {"retry-after": "5"})
        return _encoded(answer, request)

    # --- reading ---

    async def _answer(self, url_path: str) -> Answer:
        path = object_path(url_path)
        if path is None:
            return await self._not_found("MISS")
        if _lacks_slash(url_path):
            entry, cached = await self._entry(f"{path}/{INDEX_DOCUMENT}")
            if entry.status == HTTPStatus.NOT_FOUND:
                return await self._not_found(cached)
            location = quote(f"{url_path}/", safe="/")
            return Answer(301, {"location": location, "cache-control": "max-age=60", "x-cache": cached})
        entry, cached = await self._entry(path)
        if entry.status == HTTPStatus.NOT_FOUND:
            return await self._not_found(cached)
        return await self._composed(entry, cached)

    async def _not_found(self, cached: str) -> Answer:
        """Return 404 with the site's 404 page."""
        try:
            page, _ = await self._entry(_NOT_FOUND_PAGE)
        except OriginDownError:
            page = Entry(404)
        if page.status != HTTPStatus.OK:
            page = replace(page, headers={"content-type": "text/plain; charset=utf-8"}, body=b"not found\n")
        composed = await self._composed(page, cached)
        headers = {"content-type": composed.headers["content-type"], "cache-control": "no-cache", "x-cache": cached}
        return Answer(404, headers, composed.body)

    async def _composed(self, entry: Entry, cached: str) -> Answer:
        headers = {**entry.headers, "x-cache": cached}
        if entry.stored_at:
            # Not `Age`: clients would subtract it from max-age, which starts now.
            headers["x-cache-age"] = str(int(self.cache.age(entry)))
        if control := _S_MAXAGE.sub("", headers.pop("cache-control", "")).strip(" ,"):
            headers["cache-control"] = control
        body = entry.body
        if headers.get("content-type", "").startswith("text/html") and has_esi(body):
            body = await self._with_includes(body)
            headers["etag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return Answer(entry.status, headers, body)

    async def _with_includes(self, body: bytes) -> bytes:
        parts = parts_of(body)
        fragments = iter(await asyncio.gather(*(self._fragment(part) for part in parts if not isinstance(part, bytes))))
        return b"".join(part if isinstance(part, bytes) else next(fragments) for part in parts)

    async def _fragment(self, include: Include) -> bytes:
        """Return a fragment's body, or nothing if it cannot be read: the page is still shown."""
        path = object_path(include.path)
        if path is None:
            return b""
        try:
            entry, _ = await self._entry(path)
        except OriginDownError as error:
            log.warning("fragment.missing", path=include.path, reason=str(error))
            return b""
        return without_esi(entry.body) if entry.status == HTTPStatus.OK else b""

    async def _entry(self, path: str) -> tuple[Entry, str]:
        """Return a path's entry and its cache status: HIT, STALE or MISS."""
        name = self._name(path)
        kept = self.cache.find(name)
        if kept and self.cache.is_fresh(kept):
            self._counts.hits += 1
            return kept, "HIT"
        task = self._fetching(path)
        if kept and self.cache.may_show_while_fetching(kept):
            self._counts.hits += 1
            return kept, "STALE"
        self._counts.misses += 1
        try:
            return await asyncio.shield(task), "MISS"
        except OriginDownError:
            if still := self.cache.find(name):  # a purge may have removed it meanwhile
                return still, "STALE"
            raise

    def _fetching(self, path: str) -> asyncio.Task[Entry]:
        """Return the pending request to the origin for a path, or start one; none is older than the last purge."""
        name = self._name(path)
        if (pending := self._fetches_by_name.get(name)) and not pending.done():
            return pending
        task = asyncio.create_task(self._fetch(path))
        self._fetches_by_name[name] = task
        task.add_done_callback(lambda done: self._fetched(name, done))
        return task

    def _fetched(self, name: str, task: asyncio.Task[Entry]) -> None:
        if self._fetches_by_name.get(name) is task:
            del self._fetches_by_name[name]
        if not task.cancelled() and (error := task.exception()):
            log.warning("origin.failed", path=name, reason=str(error))

    async def _fetch(self, path: str) -> Entry:
        with self.cache.fetch() as fetch:
            found = await self.origin.fetch(path)
            entry = replace(found, keys=found.keys | {self._place(path_surrogate_key(path))})
            self.cache.store(self._name(path), entry, fetch)
            return entry

    def _name(self, path: str) -> str:
        """Return the name of an object in the cache, which all sites share."""
        return f"{self.origin.bucket_url}/{path}"

    def _place(self, key: str) -> str:
        """Return the surrogate key of a path of this site only; other keys stay as they are."""
        return f"place:{self.origin.bucket_url}{key.removeprefix(_PATH)}" if key.startswith(_PATH) else key

    # --- purging ---

    def _purge(self, request: Request) -> Response:
        if not _is_local(request) or not self._has_valid_token(request):
            return PlainTextResponse("only services of this machine may purge\n", 403)
        hard = request.headers.get("xkey-purge", "").split()
        soft = request.headers.get("xkey-softpurge", "").split()
        if not hard and not soft and (path := object_path(request.scope["path"])):
            hard = [path_surrogate_key(path)]
        if self.is_of_one_site:
            hard, soft = [self._place(key) for key in hard], [self._place(key) for key in soft]
        # Requests after this purge must not share a fetch that began before it.
        self._fetches_by_name.clear()
        count = self.cache.purge(hard) + self.cache.soft_purge(soft)
        self._counts.purges += 1
        log.info("edge.purged", keys=hard, soft_keys=soft, entries=count)
        return JSONResponse({"purged": count}, headers={"x-purged": str(count)})

    def _has_valid_token(self, request: Request) -> bool:
        if (wanted := self.settings.purge_token) is None:
            return True
        given = request.headers.get("x-purge-token", "")
        return hmac.compare_digest(given.encode(), wanted.get_secret_value().encode())

    def _reserved(self, url_path: str) -> Response:
        if url_path == f"{RESERVED}healthz":
            return PlainTextResponse("ok\n")
        if url_path == f"{RESERVED}stats":
            return JSONResponse(
                {
                    "entries": len(self.cache),
                    "size_bytes": self.cache.size_bytes,
                    "hits": self._counts.hits,
                    "misses": self._counts.misses,
                    "purges": self._counts.purges,
                }
            )
        return PlainTextResponse("not found\n", 404)


def object_path(url_path: str) -> str | None:
    """Return the key of a decoded URL path, or None for a path that cannot be a key."""
    if not url_path.startswith("/") or _UNSAFE.search(url_path) or len(url_path.encode()) > _MAX_PATH_BYTES:
        return None
    segments = url_path[1:].split("/")
    if any(segment in {".", ".."} for segment in segments) or "" in segments[:-1]:
        return None
    return url_path[1:] + (INDEX_DOCUMENT if url_path.endswith("/") else "")


def _lacks_slash(url_path: str) -> bool:
    """Return whether the last segment looks like a folder: `/world`, not `/world/` or `/feed.xml`."""
    last = url_path.rsplit("/", 1)[-1]
    return bool(last) and "." not in last


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _encoded(answer: Answer, request: Request) -> Response:
    """Return the response for this request: 304, compressed or plain, without a body for HEAD."""
    headers = {**answer.headers, "accept-ranges": "none"}
    body = answer.body
    is_text = bool(_GZIPPED.match(headers.get("content-type", "")))
    if is_text:
        headers["vary"] = "Accept-Encoding"
    if is_text and len(body) >= _MIN_GZIP_BYTES and _ACCEPTS_GZIP.search(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        if "etag" in headers:  # compressed bytes differ, so the ETag is weak
            headers["etag"] = f"W/{headers['etag'].removeprefix('W/')}"
        if not _matches(request, headers.get("etag")):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    if answer.status == HTTPStatus.OK and _matches(request, headers.get("etag")):
        kept = ("etag", "cache-control", "vary", "x-cache", "x-cache-age", "last-modified")
        return Response(status_code=304, headers={name: headers[name] for name in kept if name in headers})
    response = Response(body if request.method == "GET" else b"", answer.status)
    response.raw_headers = [
        (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()
    ]
    response.raw_headers.append((b"content-length", str(len(body)).encode()))
    return response


def _matches(request: Request, etag: str | None) -> bool:
    """Return whether If-None-Match names the tag, compared weakly (RFC 9110, 13.1.2)."""
    if etag is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return "*" in given or etag.removeprefix("W/") in given
