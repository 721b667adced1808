"""Bytes as they came, with what their sender said they are; parsed at most once, whoever looks at them."""

from __future__ import annotations

import codecs
import re
from functools import cached_property

import pydantic_core

from services.ingest.domain.refusal import RefusedError

_XML_START = re.compile(rb"\s*<")


class Document:
    """What was sent: `raw` without a byte order mark, and `media_type` in lower case without parameters.

    `called` is what its sender is told that it is.
    """

    def __init__(self, raw: bytes, content_type: str | None = None, *, called: str = "the body") -> None:
        self._called = called
        self.raw = raw.removeprefix(codecs.BOM_UTF8)
        self.media_type = (content_type or "").partition(";")[0].strip().lower() or None

    @property
    def looks_like_xml(self) -> bool:
        """Tell whether the first visible character opens a tag."""
        return _XML_START.match(self.raw[:1_000]) is not None

    def json(self) -> object:
        """Return the document as JSON.

        Raises:
            RefusedError: 400, with line and column, where it is none.
        """
        if isinstance(self._json, RefusedError):
            raise self._json
        return self._json

    @property
    def is_json(self) -> bool:
        """Tell whether the document is JSON of any kind."""
        return not isinstance(self._json, RefusedError)

    def find_json_object(self) -> dict[str, object] | None:
        """Return the document where it is one JSON object, else None."""
        return self._json if isinstance(self._json, dict) else None

    @cached_property
    def _json(self) -> object:
        if not self.raw.strip():
            return RefusedError(400, f"{self._called} is empty; an article was expected")
        try:
            return pydantic_core.from_json(self.raw, allow_inf_nan=False)
        except (ValueError, RecursionError) as error:
            return RefusedError(400, f"{self._called} is not JSON: {error}")
