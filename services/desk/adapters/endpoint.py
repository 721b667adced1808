"""The endpoint, as a newsroom's own programs would call it."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self
from urllib.parse import quote

import httpx

from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

_SERVER_ERROR = 500
_CLIENT_ERROR = 400


class Endpoint:
    """POST and GET with a bearer token; problem documents become errors in words."""

    def __init__(self, url: str, token: str | None, *, timeout_seconds: float) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout_seconds, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post_article(
        self, path: Path, *, site: str | None, wait_seconds: float | None, feed: str | None = None
    ) -> dict[str, Any]:
        """Post a file as it is, except that pictures which it names by file are uploaded first.

        Raises:
            EndpointRefusedError: it was not taken.
            EndpointUnavailableError: it can be tried again.
        """
        body, content_type = self._with_pictures(path, site)
        headers = {"Content-Type": content_type} | _prefer(wait_seconds)
        params = _of_site(site) | ({"feed": feed} if feed else {})
        return self._call("POST", "/v1/articles", content=body, headers=headers, params=params)

    def post_batch(self, lines: Sequence[bytes], *, site: str | None) -> Iterator[dict[str, Any]]:
        """Post articles, one a line; yield what is said of each, as it comes.

        Raises:
            EndpointRefusedError: nothing of it is taken.
            EndpointUnavailableError: what was not answered can be sent again.
        """
        headers, params = {"Content-Type": "application/x-ndjson"}, _of_site(site)
        try:
            with self._client.stream(
                "POST", "/v1/batches", content=b"\n".join(lines), headers=headers, params=params
            ) as answer:
                if answer.status_code >= _CLIENT_ERROR:
                    answer.read()
                    _raise_problem(answer)
                for line in answer.iter_lines():
                    yield json.loads(line)
        except httpx.HTTPError as error:
            raise EndpointUnavailableError(self._silence(error)) from error

    def front(self, front: str, *, site: str | None) -> dict[str, Any]:
        """Return what is pinned to a front."""
        return self._call("GET", _front_path(front), params=_of_site(site))

    def pin(self, front: str, articles: Sequence[str], *, until: str | None, site: str | None) -> dict[str, Any]:
        """Pin articles to a front, in this order.

        Raises:
            EndpointRefusedError: they are not pinned.
            EndpointUnavailableError: it can be tried again.
        """
        body = {"articles": list(articles), "until": until}
        return self._call("PUT", _front_path(front), json=body, params=_of_site(site))

    def unpin(self, front: str, *, site: str | None) -> None:
        """Take all pins from a front."""
        self._call("DELETE", _front_path(front), params=_of_site(site))

    def act(self, kind: str, article: str, *, why: str, site: str | None, wait_seconds: float | None) -> dict[str, Any]:
        """Kill, withdraw or restore an article.

        Raises:
            EndpointRefusedError: it was not taken.
            EndpointUnavailableError: it can be tried again.
        """
        path = f"/v1/articles/{quote(article, safe='')}/{kind}"
        return self._call("POST", path, json={"why": why}, headers=_prefer(wait_seconds), params=_of_site(site))

    def article(self, article: str, *, site: str | None) -> dict[str, Any]:
        """Return how an article stands."""
        return self._call("GET", f"/v1/articles/{article}", params=_of_site(site))

    def receipt(self, receipt: str) -> dict[str, Any]:
        """Return what became of a submission."""
        return self._call("GET", f"/v1/receipts/{receipt}")

    def why(self, url: str, *, site: str | None) -> dict[str, Any]:
        """Return why what is at an address is as it is."""
        return self._call("GET", "/v1/why", params={"url": url, **_of_site(site)})

    def readiness(self) -> dict[str, Any]:
        """Return whether articles can be taken."""
        return self._call("GET", "/readyz")

    def _with_pictures(self, path: Path, site: str | None) -> tuple[bytes, str]:
        body = path.read_bytes()
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        try:
            article = json.loads(body)
        except ValueError:
            return body, content_type  # not JSON: another format, or a fault for the endpoint to name
        named = _pictures_of(article)
        files = [picture for picture in named if isinstance(picture, dict) and "file" in picture]
        if not files:
            return body, content_type
        for picture in files:
            file = path.parent / str(picture.pop("file"))
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            kept = self._call(
                "POST", "/v1/media", content=file.read_bytes(), headers={"Content-Type": kind}, params=_of_site(site)
            )
            picture["media"] = kept["media"]
        return json.dumps(article, ensure_ascii=False).encode(), content_type

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 -- httpx's own
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise EndpointUnavailableError(self._silence(error)) from error
        if answer.status_code >= _CLIENT_ERROR:
            _raise_problem(answer)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _silence(self, error: httpx.HTTPError) -> str:
        return f"{self.url} does not answer ({error}); is the stack up? Try: make up"


def _pictures_of(article: object) -> list[Any]:
    """Return the lead picture and the gallery of a document, whatever stands there."""
    if not isinstance(article, dict):
        return []
    gallery = article.get("pictures")
    return [article.get("picture"), *(gallery if isinstance(gallery, list) else ())]


def _raise_problem(answer: httpx.Response) -> NoReturn:
    if answer.status_code >= _SERVER_ERROR:
        after = answer.headers.get("Retry-After", "")
        raise EndpointUnavailableError(
            _words(answer), retry_after_seconds=float(after) if after.isascii() and after.isdigit() else None
        )
    raise EndpointRefusedError(_words(answer))


def _front_path(front: str) -> str:
    return f"/v1/fronts/{quote(front, safe='')}"


def _prefer(wait_seconds: float | None) -> dict[str, str]:
    return {} if wait_seconds is None else {"Prefer": f"wait={wait_seconds:g}"}


def _of_site(site: str | None) -> dict[str, str]:
    return {"site": site} if site else {}


def _words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.reason_phrase}"
    faults = [f"{fault.get('pointer', '')} {fault.get('detail')}".strip() for fault in problem.get("errors", [])]
    return "; ".join(faults) or str(problem.get("detail") or problem.get("title") or answer.status_code)
