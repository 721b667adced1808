"""The facts about a format: one entry, from which detection, problems, OpenAPI and the documentation are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A supported format.

    `name`: without a version, as a feed's settings list it (`ninjs`). `title`: for people (`IPTC ninjs 1.x to 3.x`).
    `media_types`: of this format alone, in lower case; the first is the one to send. `example`: a whole document about
    an invented event, which the reader accepts. `about`: the format's rules, in Markdown, for newsroom engineers.
    `takes`: the documents that are accepted, one phrase (`one item`, `a feed with up to 500 entries`).
    """

    name: str
    title: str
    media_types: tuple[str, ...]
    example: str
    about: str
    takes: str = "one article"
