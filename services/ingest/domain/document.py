"""The bytes of a submission and their declared media type; parsed as JSON at most once."""

from __future__ import annotations

import codecs
import re
from functools import cached_property

import pydantic_core

from services.ingest.domain.refusal import RefusedError

_XML_START = re.compile(rb"\s*<")


class Document:
    """The sent bytes: `raw` without a byte order mark, `media_type` in lower case without parameters.

    Error texts name the document by `name`.
    """

    def __init__(self, raw: bytes, content_type: str | None = None, *, name: str = "the body") -> None:
        self._name = name
        self.raw = raw.removeprefix(codecs.BOM_UTF8)
        self.media_type = (content_type or "").partition(";")[0].strip().lower() or None

    @property
    def looks_like_xml(self) -> bool:
        """Return whether the first visible character opens a tag."""
        return _XML_START.match(self.raw[:1_000]) is not None

    def json(self) -> object:
        """Return the document as JSON.

        Raises:
            RefusedError: 400, the document is not JSON; the text has line and column.
        """
        if isinstance(self._json, RefusedError):
            raise self._json
        return self._json

    @property
    def is_json(self) -> bool:
        """Return whether the document is JSON of any type."""
        return not isinstance(self._json, RefusedError)

    def find_json_object(self) -> dict[str, object] | None:
        """Return the document if it is a JSON object, otherwise None."""
        return self._json if isinstance(self._json, dict) else None

    @cached_property
    def _json(self) -> object:
        if not self.raw.strip():
            return RefusedError(400, f"{self._name} is empty; an article was expected")
        try:
            return pydantic_core.from_json(self.raw, allow_inf_nan=False)
        except (ValueError, RecursionError) as error:
            return RefusedError(400, f"{self._name} is not JSON: {error}")
