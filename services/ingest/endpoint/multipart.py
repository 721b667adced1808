"""Parses multipart/form-data (RFC 7578) from bytes that were read and verified before."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.ingest.domain.refusal import RefusedError

_BOUNDARY = re.compile(
    r"""^multipart/form-data\s*;.*?\bboundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE
)
_NAME = re.compile(
    rb"""^content-disposition\s*:[^\r\n]*?;\s*name=(?:"([^"\r\n]{0,200})"|([^\s;"]{1,200}))""",
    re.IGNORECASE | re.MULTILINE,
)
_MAX_FIELDS = 20
_MAX_HEADER_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form. `is_complete` is false if the body ends within it."""

    value: bytes
    is_complete: bool = True


def parse_form(body: bytes, content_type: str) -> dict[str, FormField]:
    """Return the fields by name; of several fields with one name the first counts. The body may be cut at its end.

    Raises:
        RefusedError: 415, another media type; 400, no form, or more than 20 fields.
    """
    found = _BOUNDARY.match(content_type[:1_000])
    if found is None:
        raise RefusedError(415, "the Content-Type must be multipart/form-data with a boundary")
    line = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    start = body.find(line)
    if start != 0 and body[start - 2 : start] != b"\r\n":
        raise RefusedError(400, "the body does not begin with the boundary of the form")
    fields: dict[str, FormField] = {}
    for _ in range(_MAX_FIELDS):
        start += len(line)
        if body[start : start + 2] == b"--" or start >= len(body):
            return fields
        end = body.find(b"\r\n" + line, start)
        part = body[start + 2 : end if end >= 0 else len(body)]
        _add_field(fields, part, is_complete=end >= 0)
        if end < 0:
            return fields
        start = end + 2
    raise RefusedError(400, f"the form has more than {_MAX_FIELDS} fields")


def _add_field(fields: dict[str, FormField], part: bytes, *, is_complete: bool) -> None:
    head_end = part.find(b"\r\n\r\n", 0, _MAX_HEADER_BYTES)
    if head_end < 0:
        raise RefusedError(400, "a field of the form has no header")
    name = _NAME.search(part[: head_end + 2])
    if name is None:
        raise RefusedError(400, "a field of the form has no name")
    named = (name[1] if name[1] is not None else name[2]).decode("utf-8", "replace")
    fields.setdefault(named, FormField(part[head_end + 4 :], is_complete))
