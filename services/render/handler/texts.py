"""The enriched objects of a piece's articles: read one by one, or together where a rebuild before kept them so."""

from __future__ import annotations

import struct

from shared.packs import framed, unframed
from shared.storage import ObjectStorage

_MOST_BYTES = 64 * 1024  # of a text; what is larger stays where it is
_FEW = 5  # so many that are not there are no reason to put the others again


class Texts:
    """Enriched objects by their keys. What a key holds never changes, so it makes no difference where it was read from.

    Several threads may ask at once.
    """

    def __init__(self, content: ObjectStorage, key: str = "") -> None:
        """Read what was kept under `key` of the content bucket; without one nothing is kept."""
        self._content, self._key = content, key
        found = content.find(key) if key else None
        self._kept = _kept(found.body) if found else {}
        self._used: dict[str, bytes] = {}

    def is_at_hand(self, key: str) -> bool:
        """Tell whether it costs no call."""
        return key in self._kept

    def find(self, key: str) -> bytes | None:
        """Return an object, or None where there is none."""
        body = self._kept.get(key)
        if body is None:
            found = self._content.find(key)
            if found is None:
                return None
            body = found.body
        self._used[key] = body
        return body

    def keep(self) -> None:
        """Put those that were asked for together, for the next rebuild, where too many of them were not so yet."""
        used = {key: body for key, body in sorted(self._used.items()) if len(body) <= _MOST_BYTES}
        if self._key and len(used.keys() - self._kept.keys()) > _FEW:
            body = framed(part for key, body in used.items() for part in (key.encode(), body))
            self._content.put(self._key, body, content_type="application/octet-stream")


def _kept(body: bytes) -> dict[str, bytes]:
    try:
        parts = list(unframed(body))
        return {name.decode(): text for name, text in zip(parts[::2], parts[1::2], strict=True)}
    except (ValueError, struct.error):  # spoilt: it is a cache
        return {}
