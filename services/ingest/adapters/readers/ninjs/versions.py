"""Recognises ninjs and its version: by its `standard`, otherwise by the names of its fields."""

from __future__ import annotations

from collections.abc import Mapping

from services.ingest.adapters.readers.ninjs.shape import is_name
from services.ingest.adapters.readers.values import text_of

_NAMES_OF_3 = frozenset({"versionCreated", "pubStatus", "embargoedUntil", "firstCreated", "contentCreated"})
_NAMES_OF_2 = frozenset({"headlines", "bodies", "descriptions", "people", "organisations", "subjects", "by", "altids"})
_NAMES_OF_1 = frozenset(
    {
        *("body_html", "body_text", "body_xhtml", "description_text", "description_html", "headline", "byline"),
        *("versioncreated", "pubstatus", "evolvedfrom", "person", "subject", "place", "copyrightholder"),
        *("embargoed", "eventDetails", "plannedCoverage"),
    }
)
_FOREIGN = frozenset({"source_id", "_id", "entry_id", "urn", "items", "content_elements", "@context", "@type"})
_MAX_VERSION_CHARS = 10


def has_ninjs_fields(item: Mapping[str, object]) -> bool:
    """Return whether a JSON object is a ninjs item: it declares so, or has an id and fields of a version.

    A bare item has a `uri` and no field that ninjs does not know.
    """
    if declared_version(item) is not None:
        return True
    if not _FOREIGN.isdisjoint(item) or isinstance(item.get("guid"), dict):  # WordPress has guid.rendered
        return False
    if "uri" in item and all(is_name(name) for name in item):
        return True
    has_id = "uri" in item or "guid" in item
    return has_id and not (_NAMES_OF_1 | _NAMES_OF_2 | _NAMES_OF_3).isdisjoint(item)


def declared_version(item: Mapping[str, object]) -> str | None:
    """Return the version of `standard` or `$standard`: empty if it names none, None if ninjs is not declared."""
    for name in ("standard", "$standard"):
        standard = item.get(name)
        if isinstance(standard, dict) and (text_of(standard.get("name")) or "").lower() == "ninjs":
            return (text_of(standard.get("version")) or "")[:_MAX_VERSION_CHARS]
    return None


def find_format(item: Mapping[str, object]) -> str:
    """Return format and version for the report, such as `ninjs-3.0`; without a declaration `ninjs-2.x`."""
    if declared := declared_version(item):
        return f"ninjs-{declared}"
    if "guid" in item and "uri" not in item:
        return "ninjs-superdesk"
    if not _NAMES_OF_3.isdisjoint(item):
        return "ninjs-3.x"
    return "ninjs-2.x" if not _NAMES_OF_2.isdisjoint(item) else "ninjs-1.x"
