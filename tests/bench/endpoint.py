"""A newsroom's client of the endpoint, which measures each operation until it is complete."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from infra.local.state import StackFile

_PARAGRAPH = "<p>The pilot boat came alongside at the harbour mouth, and the crew of the ferry lowered a ladder.</p>"


@dataclass(frozen=True, slots=True)
class Completed:
    """A completed operation: milliseconds from the request, the article, its receipt."""

    milliseconds: float
    article: str
    receipt: str


class Endpoint:
    """The endpoint of a stack; every request waits until the operation is complete."""

    def __init__(self, stack: StackFile) -> None:
        headers = {"Authorization": f"Bearer {stack.token}", "Prefer": "wait=30"}
        self._api = httpx.Client(base_url=stack.api, headers=headers, timeout=60, trust_env=False)

    def post(self, site: str, article: dict[str, object]) -> Completed:
        """Publish an article, or a new revision of it."""
        return self._request("/v1/articles", site, article)

    def kill(self, site: str, article: str) -> Completed:
        """Kill an article."""
        return self._request(f"/v1/articles/{article}/kill", site, {})

    def stages(self, receipt: str) -> Iterator[tuple[str, datetime]]:
        """Yield each stage of a receipt with its time."""
        for stage in self._api.get(f"/v1/receipts/{receipt}").raise_for_status().json()["stages"]:
            yield stage["name"], datetime.fromisoformat(stage["at"])

    def _request(self, path: str, site: str, body: dict[str, object]) -> Completed:
        started = time.perf_counter()
        answer = self._api.post(path, params={"site": site}, json=body)
        elapsed_ms = (time.perf_counter() - started) * 1000
        reply = answer.raise_for_status().json()
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path} at {site} did not complete: {reply['status']}")
        return Completed(elapsed_ms, reply["article"], reply["receipt"])


def an_article(number: int, *, source: str, headline: str = "Ferry arrives", paragraphs: int = 40) -> dict[str, object]:
    """Return an article of a few hundred words, stamped now."""
    return {
        "source": source,
        "source_id": f"story-{number}",
        "version_created": datetime.now(UTC).isoformat(),
        "headline": f"{headline}, for the {number}th time",
        "slug": f"ferry-{number}",
        "section": "world",
        "topics": [{"name": f"Topic {number % 40}"}, {"name": f"Topic {(number + 7) % 40}"}],
        "authors": [{"name": f"Reporter {number % 40}"}],
        "body": "<h2>At the pier</h2>" + _PARAGRAPH * paragraphs,
    }


def percentile(values: list[float], hundredth: int) -> float:
    """Return the percentile `hundredth` (0 to 100) of values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * hundredth // 100)]
