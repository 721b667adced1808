"""Pushes items with Superdesk's own transmitter; run by a Python that has the package superdesk-core.

Reads JSON on stdin: `config` (resource_url, assets_url, secret_token), `items`, and `media` (id -> path of a file).
Writes one line of JSON for each item: the outcome is `pushed` or the name of the error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class StoredFile:
    """A file of Superdesk's media storage."""

    content_type = "image/jpeg"

    def __init__(self, media_id: str, path: str) -> None:
        self._id = media_id
        self._path = path

    def read(self) -> bytes:
        """Return the bytes."""
        return Path(self._path).read_bytes()


class MediaStorage:
    """Superdesk's media storage, with the files of this run."""

    def __init__(self, paths: dict[str, str]) -> None:
        self._paths = paths

    def get(self, media_id: str, resource: str | None = None) -> StoredFile:
        """Return a file."""
        return StoredFile(media_id, self._paths[media_id])


def _outcome(transmitter: Any, item: dict[str, Any], destination: dict[str, Any]) -> str:
    try:
        transmitter._transmit({"formatted_item": json.dumps(item), "destination": destination}, {})  # noqa: SLF001 -- its own caller, `transmit`, needs a database
    except Exception as error:  # noqa: BLE001 -- the outcome is the error
        return type(error).__name__
    return "pushed"


def push_all() -> None:
    """Push the items of stdin."""
    import flask
    from superdesk import errors
    from superdesk.publish.transmitters import http_push
    from superdesk.publish.transmitters.file_providers import associations  # noqa: F401 -- registers itself

    errors.notifiers.clear()  # they write to a database
    task = json.load(sys.stdin)
    app: Any = flask.Flask("superdesk")
    app.media = MediaStorage(task["media"])
    with app.app_context():
        for item in task["items"]:
            outcome = _outcome(http_push.HTTPPushService(), item, {"name": "Pressline", "config": task["config"]})
            sys.stdout.write(json.dumps({"outcome": outcome}) + "\n")


if __name__ == "__main__":
    push_all()
