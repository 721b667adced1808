"""Reads ninjs 3.0 (IPTC): lenient on the schema, as real wires need; strict on identity, times and status."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import DISPENSABLE_FIELDS, set_language, set_urgency
from services.ingest.adapters.readers.ninjs.about import FORMAT
from services.ingest.adapters.readers.ninjs.associations import read_associations
from services.ingest.adapters.readers.ninjs.facts import read_identity, read_status, read_times
from services.ingest.adapters.readers.ninjs.subjects import read_people_and_entities, read_section_and_topics
from services.ingest.adapters.readers.ninjs.texts import read_body, read_headline, read_standfirst
from services.ingest.adapters.readers.values import Item, drop_others, objects_in, tail_of, text_of
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_FORMAT = "ninjs-3.0"
_NINJS_3_FIELDS = frozenset({"versionCreated", "pubStatus", "embargoedUntil", "firstCreated", "contentCreated"})
_NINJS_2_FIELDS = frozenset({"headlines", "bodies", "descriptions"})
_NINJS_1_FIELDS = frozenset({"body_html", "body_text", "body_xhtml", "description_text", "versioncreated", "pubstatus"})
_REPLACING_ROLES = frozenset({"replaces", "replaced", "supersedes", "previous", "evolvedfrom", "rewriteof"})

_USED_FIELDS = frozenset(
    {
        "uri",
        "type",
        "version",
        "versionCreated",
        "versioncreated",
        "firstCreated",
        "contentCreated",
        "embargoedUntil",
        "embargoed",
        "expires",
        "pubStatus",
        "pubstatus",
        "urgency",
        "language",
        "headlines",
        "title",
        "descriptions",
        "bodies",
        "by",
        "located",
        "slugline",
        "subjects",
        "people",
        "organisations",
        "places",
        "events",
        "objects",
        "associations",
        "altIds",
        "copyrightHolder",
        "copyrightNotice",
        "usageTerms",
        "standard",
        "edNote",
    }
)
_UNSUPPORTED_FIELDS = {
    "rightsInfo": "rights expressions are not supported yet; use usageTerms",
    "renditions": "belong to an associated picture",
    "genres": "are not supported yet",
    "infoSources": "are not supported yet",
    "trustIndicators": "are not supported yet",
    "representationType": "has no effect on a full item",
    "profile": "has no effect",
}


class NinjsReader:
    """Reads ninjs 3.0, and refuses older versions by name."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is a JSON object with typical fields of any ninjs version."""
        item = document.find_json_object()
        if item is None:
            return False
        if _declared_version(item) is not None:
            return True
        return ("uri" in item or "guid" in item) and not (
            _NINJS_1_FIELDS | _NINJS_2_FIELDS | _NINJS_3_FIELDS | {"type"}
        ).isdisjoint(item)

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the item as the only entry.

        Raises:
            RefusedError: 400 or 422.
        """
        item = document.json()
        if not isinstance(item, dict):
            raise unacceptable([Fault("", "must be a JSON object, a ninjs item")])
        _refuse_unless_article(item)
        builder = ArticleBuilder(_FORMAT, context)
        if "standard" in item:
            builder.confirm("/standard")
        read_status(item, builder)
        read_identity(item, builder)
        read_times(item, builder)
        set_urgency(builder, item.get("urgency"), "/urgency")
        set_language(builder, item.get("language"), "/language")
        read_headline(item, builder)
        read_standfirst(item, builder)
        read_body(item, builder)
        read_section_and_topics(item, builder, context.site)
        read_people_and_entities(item, builder)
        read_associations(item, builder)
        _read_lines(item, builder)
        _read_replaced(item, builder)
        _report_unused(item, builder)
        return [builder.finish(dispensable=DISPENSABLE_FIELDS)]


def _declared_version(item: Item) -> str | None:
    standard = item.get("standard")
    if not isinstance(standard, dict) or (text_of(standard.get("name")) or "").lower() != "ninjs":
        return None
    return text_of(standard.get("version")) or ""


def _refuse_unless_article(item: Item) -> None:
    version = _declared_version(item)
    version_read = version or ("3" if not _NINJS_3_FIELDS.isdisjoint(item) else _older_version(item))
    if not version_read.startswith("3"):
        detail = f"this is ninjs {version_read[:10]}; only ninjs 3.0 is supported"
        raise unacceptable([Fault("/standard" if version else "", detail)], detail)
    kind = text_of(item.get("type"))
    if kind is None and "eventDetails" in item:
        kind = "event"
    if kind is not None and kind.lower() != "text":
        detail = f"not an article: type {kind[:40]}"
        raise unacceptable([Fault("/type", detail)], detail)
    if (text_of(item.get("representationType")) or "full").lower() == "partial":
        detail = "not a whole article: representationType partial"
        raise unacceptable([Fault("/representationType", detail)], detail)


def _older_version(item: Item) -> str:
    """Return the version of an item without a name that only 3.x has; if ambiguous, 3."""
    if "guid" in item or not {"headline", "body_html", "body_text", "description_text"}.isdisjoint(item):
        return "1.x"
    return "2.x" if not {"versioncreated", "pubstatus", "embargoed"}.isdisjoint(item) else "3"


def _read_lines(item: Item, builder: ArticleBuilder) -> None:
    """Read byline, dateline, slugline and rights."""
    for name, field in (("by", "byline"), ("located", "dateline")):
        if line := text_of(item.get(name)):
            builder.set_field(field, line, pointer(name))
    if slugline := text_of(item.get("slugline")):
        builder.add_entry("keywords", slugline, "/slugline")
    rights = {"holder": "copyrightHolder", "notice": "copyrightNotice", "usage_terms": "usageTerms"}
    found = {field: text for field, name in rights.items() if (text := text_of(item.get(name)))}
    if found:
        builder.set_field("rights", found, pointer(rights[next(iter(found))]))
        for field in found:
            builder.note_origin(f"/rights/{field}", pointer(rights[field]))


def _read_replaced(item: Item, builder: ArticleBuilder) -> None:
    for where, entry in objects_in(item, "altIds", builder):
        value = text_of(entry.get("value"))
        if value and tail_of(text_of(entry.get("role")) or "").lower() in _REPLACING_ROLES:
            builder.add_entry("replaces", value, where)
        else:
            builder.drop(where, "is an alternative id of the same item and replaces nothing")


def _report_unused(item: Item, builder: ArticleBuilder) -> None:
    """Report the unused fields, and text fields whose value is not text."""
    if item.get("edNote"):
        builder.drop("/edNote", "notes to editors are never published")
    for name in ("title", "by", "located", "slugline", "copyrightHolder", "copyrightNotice", "usageTerms", "language"):
        if item.get(name) is not None and not isinstance(item[name], str):
            builder.drop(pointer(name), "is not text")
    for name in sorted(_UNSUPPORTED_FIELDS.keys() & item.keys()):
        builder.drop(pointer(name), _UNSUPPORTED_FIELDS[name])
    drop_others(
        item, _USED_FIELDS | _UNSUPPORTED_FIELDS.keys(), builder, "", "is not a field of ninjs 3.0 that Pressline uses"
    )
