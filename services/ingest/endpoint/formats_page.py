"""The documentation of the supported formats, made from their registry entries: `docs/formats.md` and OpenAPI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.ingest.domain.formats import Format

_HEAD = """# Formats

`POST /v1/articles` and `POST /v1/feeds/{feed}` take each of these formats. The Content-Type names the format; if it is
a general one, such as `application/json` or `application/xml`, the content decides. The answer's `report` names the
format and version, and each part that was kept or left out. Each reader accepts the form that real systems send,
although it may break the standard's schema. A reader is strict about identity, times and status.

This page is made from the readers: `python -m services.ingest formats > docs/formats.md`.
"""


def formats_table(formats: Sequence[Format]) -> str:
    """Return a table of the formats in Markdown, for the description of an operation."""
    rows = [f"| {each.title} | {_types(each)} | {each.takes} |" for each in formats]
    return "\n\n| format | media types | one request has |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def formats_page(formats: Sequence[Format]) -> str:
    """Return the page in Markdown: a table, then each format with its rules and an example."""
    return _HEAD + formats_table(formats) + "\n" + "\n".join(part for each in formats for part in _section(each))


def _section(each: Format) -> Iterator[str]:
    language = "json" if each.example.lstrip().startswith(("{", "[")) else "xml"
    yield f"## {each.title}\n"
    yield f"Name in a feed's settings: `{each.name}`. Media types: {_types(each)}. One request has {each.takes}.\n"
    yield f"{each.about.strip()}\n"
    yield f"```{language}\n{each.example.strip()}\n```\n"


def _types(each: Format) -> str:
    return ", ".join(f"`{kind}`" for kind in each.media_types)
