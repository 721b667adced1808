"""The endpoint, as a newsroom's own programs would call it."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import Any
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

    def post_article(self, path: Path, *, site: str | None, wait_seconds: float | None) -> dict[str, Any]:
        """Post a file as it is, except that pictures which it names by file are uploaded first.

        Raises:
            EndpointRefusedError: it was not taken.
            EndpointUnavailableError: it can be tried again.
        """
        body, content_type = self._with_pictures(path, site)
        headers = {"Content-Type": content_type} | _prefer(wait_seconds)
        return self._call("POST", "/v1/articles", content=body, headers=headers, params=_of_site(site))

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
        picture = article.get("picture") if isinstance(article, dict) else None
        if not isinstance(picture, dict) or "file" not in picture:
            return body, content_type
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
            message = f"{self.url} does not answer ({error}); is the stack up? Try: make up"
            raise EndpointUnavailableError(message) from error
        if answer.status_code >= _SERVER_ERROR:
            raise EndpointUnavailableError(_words(answer))
        if answer.status_code >= _CLIENT_ERROR:
            raise EndpointRefusedError(_words(answer))
        found: dict[str, Any] = answer.json()
        return found


def _prefer(wait_seconds: float | None) -> dict[str, str]:
    return {} if wait_seconds is None else {"Prefer": f"wait={wait_seconds:g}"}


def _of_site(site: str | None) -> dict[str, str]:
    return {"site": site} if site else {}


def _words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.reason_phrase}"
    faults = [f"{fault.get('pointer') or 'the document'} {fault.get('detail')}" for fault in problem.get("errors", [])]
    return "; ".join(faults) or str(problem.get("detail") or problem.get("title") or answer.status_code)
