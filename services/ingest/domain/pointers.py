"""JSON pointers (RFC 6901): how a sender is told where."""

from __future__ import annotations

from collections.abc import Mapping

_MAX_CHARS = 200


def pointer(*path: str | int) -> str:
    """Return the pointer of a path; a very long one is cut, since it is the sender's own words in our reply."""
    text = "".join(f"/{_escaped(str(step))}" for step in path)
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}…"


def top_of(where: str) -> str:
    """Return the name of the topmost field that a pointer leads into, empty for the whole document."""
    return where.removeprefix("/").partition("/")[0]


def origin_of(where: str, origins: Mapping[str, str]) -> str:
    """Return where in the sender's document that lies which the article holds at `where`.

    `origins` knows some places and what they were made from; the longest one that leads to `where` counts.
    """
    steps = where.split("/")
    for end in range(len(steps), 1, -1):
        known = "/".join(steps[:end])
        if known in origins:
            return where if origins[known] == known else origins[known]
    return where


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
