"""JSON pointers (RFC 6901) into the sender's document."""

from __future__ import annotations

from collections.abc import Mapping

_MAX_POINTER_CHARS = 200


def pointer(*path: str | int) -> str:
    """Return the pointer of a path; a very long one is cut, because it quotes the sender's text in our reply."""
    text = "".join(f"/{_escaped(str(step))}" for step in path)
    return text if len(text) <= _MAX_POINTER_CHARS else f"{text[: _MAX_POINTER_CHARS - 1]}…"


def top_of(where: str) -> str:
    """Return the first field of a pointer; empty for the whole document."""
    return where.removeprefix("/").partition("/")[0]


def origin_of(where: str, origins: Mapping[str, str]) -> str:
    """Return the pointer into the sender's document for the article's part at `where`.

    `origins` maps pointers into the article to pointers into the document; the longest prefix of `where` counts.
    """
    steps = where.split("/")
    for end in range(len(steps), 1, -1):
        prefix = "/".join(steps[:end])
        if prefix in origins:
            return where if origins[prefix] == prefix else origins[prefix]
    return where


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
