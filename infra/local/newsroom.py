"""Posts articles over HTTP as a newsroom's system would, and notes when a reader could open each of them."""

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
"""What is posted again changes nothing."""

_POLL_SECONDS = 0.02
_LIMIT_SECONDS = 60.0
_LAST_STAGE_SECONDS = 3.0  # a page can be read a moment before its receipt has heard of it
_FINAL = UNCHANGED | {"live", "scheduled", "held", "refused", "withdrawn", "killed", "failed"}
_PICTURES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


@dataclass(slots=True)
class Outcome:
    """What became of one file. Times are in milliseconds from its POST."""

    file: Path
    headline: str
    status: str = ""
    url: str | None = None
    reason: str | None = None
    readable_ms: float | None = None
    stages_ms: dict[str, float] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Return whether a reader can open it now."""
        return self.readable_ms is not None


class PostError(Exception):
    """The endpoint did not take something; the text is its answer."""


def post_all(stack: StackFile, documents: Mapping[Path, bytes], console: Console) -> list[Outcome]:
    """Return what became of each document; one after the other, so that the times are those of an idle stack."""
    headers = {"authorization": f"Bearer {stack.token}"}
    outcomes = []
    with (
        httpx.Client(base_url=stack.api, headers=headers, timeout=30, trust_env=False) as api,
        httpx.Client(base_url=stack.edge, timeout=30, trust_env=False) as edge,
    ):
        for path, document in documents.items():
            with console.status(f"Posting {path.name} …"):
                outcome = Outcome(path, _headline(document))
                try:
                    _follow(outcome, _with_pictures(path, document, api), api, edge)
                except (PostError, httpx.HTTPError) as error:
                    outcome.status = outcome.status or "refused"
                    outcome.reason = str(error) or type(error).__name__
                outcomes.append(outcome)
    return outcomes


def _follow(outcome: Outcome, document: bytes, api: httpx.Client, edge: httpx.Client) -> None:
    """Post one article, wait for its outcome, then read its page as a reader would."""
    posted_at = time.time()
    receipt = _taken(api.post("/v1/articles", content=document, headers={"content-type": "application/json"}))
    outcome.status = told_at_once = receipt["status"]
    known = _receipt_when(api, receipt, lambda known: known["status"] in _FINAL, _LIMIT_SECONDS)
    outcome.status = known["status"]
    outcome.url = known.get("url") or _published_url(api, receipt)
    outcome.reason = known.get("reason")
    if outcome.status not in {"live", *UNCHANGED}:
        outcome.reason = outcome.reason or f"still {outcome.status} after {_LIMIT_SECONDS:g} s"
        return
    if outcome.url is None:
        outcome.reason = outcome.reason or "no address was told"
        return
    if (refusal := _read(edge, urlsplit(outcome.url).path)) is not None:
        outcome.reason = refusal
        return
    outcome.readable_ms = (time.time() - posted_at) * 1000
    if told_at_once in UNCHANGED:
        outcome.status = told_at_once  # its stages are those of an earlier post
        return
    if outcome.status == "live":
        known = _receipt_when(api, receipt, lambda known: "live" in _stage_names(known), _LAST_STAGE_SECONDS)
    for stage in known.get("stages", []):
        outcome.stages_ms[stage["name"]] = (datetime.fromisoformat(stage["at"]).timestamp() - posted_at) * 1000


def _receipt_when(
    api: httpx.Client, receipt: dict[str, Any], is_so: Callable[[dict[str, Any]], bool], limit_seconds: float
) -> dict[str, Any]:
    """Return the receipt as soon as it is as wanted, or as it was when time was up."""
    deadline = time.monotonic() + limit_seconds
    known = receipt
    while True:
        answer = api.get(f"/v1/receipts/{receipt['receipt']}")
        if answer.is_success:
            known = answer.json()
        if is_so(known) or time.monotonic() >= deadline:
            return known
        time.sleep(_POLL_SECONDS)


def _read(edge: httpx.Client, path: str) -> str | None:
    """Return None once a reader gets the page, or what they get instead when time is up."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while (page := edge.get(path)).status_code != HTTPStatus.OK:
        if page.status_code == HTTPStatus.GONE or time.monotonic() >= deadline:
            return f"the edge answers {page.status_code}"
        time.sleep(_POLL_SECONDS)
    return None


def _stage_names(receipt: Mapping[str, Any]) -> set[str]:
    return {stage["name"] for stage in receipt.get("stages", [])}


def _published_url(api: httpx.Client, receipt: Mapping[str, Any]) -> str | None:
    """Return where an article is that was published before this posting."""
    answer = api.get(f"/v1/articles/{receipt['article']}") if receipt.get("article") else None
    return answer.json().get("url") if answer is not None and answer.is_success else None


def _with_pictures(path: Path, document: bytes, api: httpx.Client) -> bytes:
    """Return the document with pictures that lie beside it uploaded, and named by what the endpoint answered."""
    try:
        article = json.loads(document)
    except ValueError:
        return document  # the endpoint will say what is wrong with it
    found = [picture for picture in _pictures(article) if "file" in picture]
    for picture in found:
        file = path.parent / picture.pop("file")
        kind = _PICTURES.get(file.suffix.lower())
        if kind is None:
            message = f"{file.name} is no JPEG, PNG, WebP or GIF"
            raise PostError(message)
        media = _taken(api.post("/v1/media", content=file.read_bytes(), headers={"content-type": kind}))
        picture |= {name: media[name] for name in ("media", "width", "height") if name in media}
    return json.dumps(article, ensure_ascii=False).encode() if found else document


def _pictures(article: object) -> Iterator[dict[str, Any]]:
    if not isinstance(article, dict):
        return
    several = article.get("pictures")
    for picture in (article.get("picture"), *(several if isinstance(several, list) else ())):
        if isinstance(picture, dict):
            yield picture


def _taken(response: httpx.Response) -> dict[str, Any]:
    """Return the reply's body.

    Raises:
        PostError: it was refused; holds the problem document's words.
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
    """Return what to call it in a table, whatever its format."""
    try:
        item = json.loads(document)
        heads = item.get("headlines") or [{}]
        return str(item.get("headline") or heads[0].get("value") or item.get("title") or "(no headline)")
    except (ValueError, AttributeError, LookupError):
        return "(not read here)"
