"""HTTP client of the endpoint; it uses the same API as a newsroom's programs."""

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
_TOO_MANY_REQUESTS = 429


class Endpoint:
    """Calls the API with a bearer token; problem documents become exceptions with a readable text."""

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
        """Post a file unchanged; pictures that it names by file are uploaded first.

        Raises:
            EndpointRefusedError: the article was refused.
            EndpointUnavailableError: the same call may succeed later.
        """
        body, content_type = self._with_pictures(path, site)
        headers = {"Content-Type": content_type} | _prefer_header(wait_seconds)
        params = _site_parameter(site) | ({"feed": feed} if feed else {})
        return self._call("POST", "/v1/articles", content=body, headers=headers, params=params)

    def dry_run(self, path: Path, *, site: str | None, feed: str | None = None) -> dict[str, Any]:
        """Return the result that a post of a file would have; pictures that it names by file are left out.

        Raises:
            EndpointRefusedError: the article would be refused.
            EndpointUnavailableError: the same call may succeed later.
        """
        body, content_type = _without_pictures(path)
        params = {"dry_run": "1"} | _site_parameter(site) | ({"feed": feed} if feed else {})
        return self._call("POST", "/v1/articles", content=body, headers={"Content-Type": content_type}, params=params)

    def post_batch(
        self, lines: Sequence[bytes], *, site: str | None, feed: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Post articles, one a line; yield the reply to each line as it arrives.

        Raises:
            EndpointRefusedError: the whole request was refused.
            EndpointUnavailableError: lines without a reply can be sent again.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        params = _site_parameter(site) | ({"feed": feed} if feed else {})
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
            raise EndpointUnavailableError(self._no_answer_text(error)) from error

    def front(self, front: str, *, site: str | None) -> dict[str, Any]:
        """Return the pins of a front."""
        return self._call("GET", _front_path(front), params=_site_parameter(site))

    def pin(self, front: str, articles: Sequence[str], *, until: str | None, site: str | None) -> dict[str, Any]:
        """Pin articles to a front, in this order.

        Raises:
            EndpointRefusedError: the articles are not pinned.
            EndpointUnavailableError: the same call may succeed later.
        """
        body = {"articles": list(articles), "until": until}
        return self._call("PUT", _front_path(front), json=body, params=_site_parameter(site))

    def unpin(self, front: str, *, site: str | None) -> None:
        """Remove all pins of a front."""
        self._call("DELETE", _front_path(front), params=_site_parameter(site))

    def act(
        self, action: str, article: str, *, why: str, site: str | None, wait_seconds: float | None
    ) -> dict[str, Any]:
        """Kill, withdraw or restore an article.

        Raises:
            EndpointRefusedError: the action was refused.
            EndpointUnavailableError: the same call may succeed later.
        """
        path = f"/v1/articles/{quote(article, safe='')}/{action}"
        return self._call(
            "POST", path, json={"why": why}, headers=_prefer_header(wait_seconds), params=_site_parameter(site)
        )

    def article(self, article: str, *, site: str | None) -> dict[str, Any]:
        """Return the state of an article."""
        return self._call("GET", f"/v1/articles/{article}", params=_site_parameter(site))

    def receipt(self, receipt: str) -> dict[str, Any]:
        """Return the status of a submission."""
        return self._call("GET", f"/v1/receipts/{receipt}")

    def why(self, url: str, *, site: str | None) -> dict[str, Any]:
        """Return the provenance of the page at an address, and the reasons why it is stale."""
        return self._call("GET", "/v1/why", params={"url": url, **_site_parameter(site)})

    def readiness(self) -> dict[str, Any]:
        """Return whether the endpoint accepts articles."""
        return self._call("GET", "/readyz")

    def _with_pictures(self, path: Path, site: str | None) -> tuple[bytes, str]:
        body, content_type, article = _read(path)
        files = [picture for picture in _pictures_of(article) if _is_file(picture)]
        if not files:
            return body, content_type
        for picture in files:
            file = path.parent / str(picture.pop("file"))
            media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            stored = self._call(
                "POST",
                "/v1/media",
                content=file.read_bytes(),
                headers={"Content-Type": media_type},
                params=_site_parameter(site),
            )
            picture["media"] = stored["media"]
        return json.dumps(article, ensure_ascii=False).encode(), content_type

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 -- httpx's own
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise EndpointUnavailableError(self._no_answer_text(error)) from error
        if answer.status_code >= _CLIENT_ERROR:
            _raise_problem(answer)
        document: dict[str, Any] = answer.json() if answer.content else {}
        return document

    def _no_answer_text(self, error: httpx.HTTPError) -> str:
        return f"{self.url} does not answer ({error}); is the stack up? Try: make up"


def _read(path: Path) -> tuple[bytes, str, Any]:
    """Return a file's bytes, its media type and its JSON; None if it is not JSON: the endpoint reports a fault."""
    body = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    try:
        return body, content_type, json.loads(body)
    except ValueError:
        return body, content_type, None


def _without_pictures(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes without the pictures that it names by file, and its media type."""
    body, content_type, article = _read(path)
    if not any(_is_file(picture) for picture in _pictures_of(article)):
        return body, content_type
    if _is_file(article.get("picture")):
        del article["picture"]
    if isinstance(article.get("pictures"), list):
        article["pictures"] = [picture for picture in article["pictures"] if not _is_file(picture)]
    return json.dumps(article, ensure_ascii=False).encode(), content_type


def _is_file(picture: object) -> bool:
    return isinstance(picture, dict) and "file" in picture


def _pictures_of(article: object) -> list[Any]:
    """Return the values of `picture` and `pictures` of a document, of any type."""
    if not isinstance(article, dict):
        return []
    gallery = article.get("pictures")
    return [article.get("picture"), *(gallery if isinstance(gallery, list) else ())]


def _raise_problem(answer: httpx.Response) -> NoReturn:
    if answer.status_code >= _SERVER_ERROR or answer.status_code == _TOO_MANY_REQUESTS:
        retry_after = answer.headers.get("Retry-After", "")
        raise EndpointUnavailableError(
            _problem_text(answer),
            retry_after_seconds=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None,
        )
    raise EndpointRefusedError(_problem_text(answer))


def _front_path(front: str) -> str:
    return f"/v1/fronts/{quote(front, safe='')}"


def _prefer_header(wait_seconds: float | None) -> dict[str, str]:
    return {} if wait_seconds is None else {"Prefer": f"wait={wait_seconds:g}"}


def _site_parameter(site: str | None) -> dict[str, str]:
    return {"site": site} if site else {}


def _problem_text(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.reason_phrase}"
    faults = [f"{fault.get('pointer', '')} {fault.get('detail')}".strip() for fault in problem.get("errors", [])]
    return "; ".join(faults) or str(problem.get("detail") or problem.get("title") or answer.status_code)
