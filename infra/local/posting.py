"""Posts articles over HTTP, as a newsroom's system does, and measures the time until a reader can open each page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.console import Console

from infra.local.state import StackFile

STAGES = ("accepted", "enriched", "rendered", "published", "live")
UNCHANGED = frozenset({"duplicate", "superseded"})
"""The statuses of an article that was posted before: nothing changes."""

_POLL_SECONDS = 0.02
_TIMEOUT_SECONDS = 60.0
_LAST_STAGE_TIMEOUT_SECONDS = 3.0  # the page may be readable shortly before its receipt is `live`
_FINAL_STATUSES = UNCHANGED | {"live", "scheduled", "held", "refused", "withdrawn", "killed", "failed"}
_MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


@dataclass(slots=True)
class PostResult:
    """The result of one posted file. Times are in milliseconds from its POST."""

    file: Path
    headline: str
    status: str = ""
    url: str | None = None
    reason: str | None = None
    readable_ms: float | None = None
    stages_ms: dict[str, float] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Return whether a reader can open the page."""
        return self.readable_ms is not None

    @property
    def is_unchanged(self) -> bool:
        """Return whether the same article was posted before."""
        return self.status in UNCHANGED


class PostError(Exception):
    """The endpoint refused a request; the text is its answer."""


def post_articles(stack: StackFile, documents: Mapping[Path, bytes], console: Console) -> list[PostResult]:
    """Post each document after the one before, so that the times are those of an idle stack; return the results."""
    headers = {"authorization": f"Bearer {stack.token}"}
    results = []
    with (
        httpx.Client(base_url=stack.api, headers=headers, timeout=30, trust_env=False) as api,
        httpx.Client(base_url=stack.edge, timeout=30, trust_env=False) as edge,
    ):
        for path, document in documents.items():
            with console.status(f"Posting {path.name} …"):
                result = PostResult(path, _headline(document))
                try:
                    _follow(result, _with_pictures(path, document, api), api, edge)
                except (PostError, httpx.HTTPError) as error:
                    result.status = result.status or "refused"
                    result.reason = str(error) or type(error).__name__
                results.append(result)
    return results


def _follow(result: PostResult, document: bytes, api: httpx.Client, edge: httpx.Client) -> None:
    """Post one article, poll its receipt until it is final, then GET its page from the edge."""
    posted_at = time.time()
    receipt = _json_of(api.post("/v1/articles", content=document, headers={"content-type": "application/json"}))
    result.status = first_status = receipt["status"]
    known = _poll_receipt(api, receipt, lambda known: known["status"] in _FINAL_STATUSES, _TIMEOUT_SECONDS)
    result.status = known["status"]
    result.url = known.get("url") or _published_url(api, receipt)
    result.reason = known.get("reason")
    if result.status not in {"live", *UNCHANGED}:
        result.reason = result.reason or f"still {result.status} after {_TIMEOUT_SECONDS:g} s"
        return
    if result.url is None:
        result.reason = result.reason or "the receipt has no address"
        return
    if (refusal := _poll_page(edge, urlsplit(result.url).path)) is not None:
        result.reason = refusal
        return
    result.readable_ms = (time.time() - posted_at) * 1000
    if first_status in UNCHANGED:
        result.status = first_status  # its stages belong to an earlier POST
        return
    if result.status == "live":
        known = _poll_receipt(api, receipt, lambda known: "live" in _stage_names(known), _LAST_STAGE_TIMEOUT_SECONDS)
    for stage in known.get("stages", []):
        result.stages_ms[stage["name"]] = (datetime.fromisoformat(stage["at"]).timestamp() - posted_at) * 1000


def _poll_receipt(
    api: httpx.Client, receipt: dict[str, Any], is_done: Callable[[dict[str, Any]], bool], limit_seconds: float
) -> dict[str, Any]:
    """Poll the receipt until `is_done`, or until the time is over; return its last state."""
    deadline = time.monotonic() + limit_seconds
    known = receipt
    while True:
        answer = api.get(f"/v1/receipts/{receipt['receipt']}")
        if answer.is_success:
            known = answer.json()
        if is_done(known) or time.monotonic() >= deadline:
            return known
        time.sleep(_POLL_SECONDS)


def _poll_page(edge: httpx.Client, path: str) -> str | None:
    """Return None once the edge answers 200, or else its last answer."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while (page := edge.get(path)).status_code != HTTPStatus.OK:
        if page.status_code == HTTPStatus.GONE or time.monotonic() >= deadline:
            return f"the edge answers {page.status_code}"
        time.sleep(_POLL_SECONDS)
    return None


def _stage_names(receipt: Mapping[str, Any]) -> set[str]:
    return {stage["name"] for stage in receipt.get("stages", [])}


def _published_url(api: httpx.Client, receipt: Mapping[str, Any]) -> str | None:
    """Return the address of an article that was published before this POST."""
    answer = api.get(f"/v1/articles/{receipt['article']}") if receipt.get("article") else None
    return answer.json().get("url") if answer is not None and answer.is_success else None


def _with_pictures(path: Path, document: bytes, api: httpx.Client) -> bytes:
    """Upload the picture files that the document names; return the document with their media ids instead."""
    try:
        article = json.loads(document)
    except ValueError:
        return document  # the endpoint refuses it with a reason
    found = [picture for picture in _pictures(article) if "file" in picture]
    for picture in found:
        file = path.parent / picture.pop("file")
        kind = _MEDIA_TYPES.get(file.suffix.lower())
        if kind is None:
            message = f"{file.name} is not a JPEG, PNG, WebP or GIF file"
            raise PostError(message)
        media = _json_of(api.post("/v1/media", content=file.read_bytes(), headers={"content-type": kind}))
        picture |= {name: media[name] for name in ("media", "width", "height") if name in media}
    return json.dumps(article, ensure_ascii=False).encode() if found else document


def _pictures(article: object) -> Iterator[dict[str, Any]]:
    if not isinstance(article, dict):
        return
    several = article.get("pictures")
    for picture in (article.get("picture"), *(several if isinstance(several, list) else ())):
        if isinstance(picture, dict):
            yield picture


def _json_of(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON body of a response.

    Raises:
        PostError: the endpoint refused the request; the text is that of the problem document.
    """
    if response.is_success:
        body: dict[str, Any] = response.json()
        return body
    try:
        problem = response.json()
        words = [problem.get("detail") or problem.get("title") or response.text]
        words += [f"{fault.get('pointer', '')}: {fault.get('detail', '')}" for fault in problem.get("errors", [])]
    except (ValueError, AttributeError):
        words = [response.text[:500]]
    message = f"{response.status_code}: {'; '.join(map(str, words))}"
    raise PostError(message)


def _headline(document: bytes) -> str:
    """Return the headline, for any accepted format."""
    try:
        item = json.loads(document)
        heads = item.get("headlines") or [{}]
        return str(item.get("headline") or heads[0].get("value") or item.get("title") or "(no headline)")
    except (ValueError, AttributeError, LookupError):
        return "(not read here)"
