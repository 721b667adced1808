"""ninjs 3.0 (IPTC): lenient on schema, as real wires need it; strict on identity, times and status."""

from __future__ import annotations

import re

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.associations import keep_associations
from services.ingest.adapters.readers.ninjs.facts import keep_identity, keep_status, keep_times, keep_urgency
from services.ingest.adapters.readers.ninjs.subjects import keep_people_and_entities, keep_section_and_topics
from services.ingest.adapters.readers.ninjs.texts import keep_body, keep_headline, keep_standfirst, tail_of
from services.ingest.adapters.readers.ninjs.values import Item, leave_rest, objects_in, text_of
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Reading, ReadingContext

_FORMAT = "ninjs-3.0"
_MARKS_3 = frozenset({"versionCreated", "pubStatus", "embargoedUntil", "firstCreated", "contentCreated"})
_MARKS_2 = frozenset({"headlines", "bodies", "descriptions"})
_MARKS_1 = frozenset({"body_html", "body_text", "body_xhtml", "description_text", "versioncreated", "pubstatus"})
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_REPLACES = frozenset({"replaces", "replaced", "supersedes", "previous", "evolvedfrom", "rewriteof"})

_DISPENSABLE = (
    "kicker",
    "authors",
    "topics",
    "keywords",
    "entities",
    "picture",
    "pictures",
    "related",
    "rights",
    "replaces",
    "dateline",
)
"""Fields that are left out, with the reason, where a wire's value does not fit: the article is worth more."""

_USED = frozenset(
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
_LEFT_OUT = {
    "rightsInfo": "rights expressions have no place yet; use usageTerms",
    "renditions": "belong to an associated picture",
    "genres": "have no place yet",
    "infoSources": "have no place yet",
    "trustIndicators": "have no place yet",
    "representationType": "is of no matter to a full item",
    "profile": "is of no matter here",
}


class NinjsReader:
    """Reads ninjs 3.0, and says of older shapes what they are."""

    name = "ninjs"
    format = _FORMAT
    media_types = ("application/vnd.iptc.ninjs+json", "application/ninjs+json")

    def recognises(self, document: Document) -> bool:
        """Tell whether the document is a JSON object with the marks of ninjs of any version."""
        item = document.find_json_object()
        if item is None:
            return False
        if _declared_version(item) is not None:
            return True
        return ("uri" in item or "guid" in item) and not (_MARKS_1 | _MARKS_2 | _MARKS_3 | {"type"}).isdisjoint(item)

    def read(self, document: Document, context: ReadingContext) -> Reading:
        """Return the article.

        Raises:
            RefusedError: 400 or 422.
        """
        item = document.json()
        if not isinstance(item, dict):
            raise unacceptable([Fault("", "must be a JSON object, a ninjs item")])
        _refuse_what_is_not_an_article(item)
        builder = ArticleBuilder(_FORMAT, context)
        if "standard" in item:
            builder.confirm("/standard")
        keep_status(item, builder)
        keep_identity(item, builder)
        keep_times(item, builder)
        keep_urgency(item, builder)
        _keep_language(item, builder)
        keep_headline(item, builder)
        keep_standfirst(item, builder)
        keep_body(item, builder)
        keep_section_and_topics(item, builder, context.site)
        keep_people_and_entities(item, builder)
        keep_associations(item, builder)
        _keep_lines(item, builder)
        _keep_replaced(item, builder)
        _report_rest(item, builder)
        return builder.finish(dispensable=_DISPENSABLE)


def _declared_version(item: Item) -> str | None:
    standard = item.get("standard")
    if not isinstance(standard, dict) or (text_of(standard.get("name")) or "").lower() != "ninjs":
        return None
    return text_of(standard.get("version")) or ""


def _refuse_what_is_not_an_article(item: Item) -> None:
    version = _declared_version(item)
    shape = version or ("3" if not _MARKS_3.isdisjoint(item) else _older_shape(item))
    if not shape.startswith("3"):
        detail = f"this is ninjs {shape[:10]}; of ninjs only 3.0 is read so far"
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


def _older_shape(item: Item) -> str:
    """Return the shape of an item without any name of 3.x: one with lists alone may be either, so it is taken as 3."""
    if "guid" in item or not {"headline", "body_html", "body_text", "description_text"}.isdisjoint(item):
        return "1.x"
    return "2.x" if not {"versioncreated", "pubstatus", "embargoed"}.isdisjoint(item) else "3"


def _keep_language(item: Item, builder: ArticleBuilder) -> None:
    language = text_of(item.get("language"))
    if language and language.lower() != "und" and _LANGUAGE.match(language.replace("_", "-")[:35]):
        builder.keep("language", language.replace("_", "-"), "/language")
        return
    if language:
        builder.drop("/language", "is not a language tag, such as en or pt-BR")
    builder.default_language()


def _keep_lines(item: Item, builder: ArticleBuilder) -> None:
    """Take the single lines of text."""
    for name, field in (("by", "byline"), ("located", "dateline")):
        if line := text_of(item.get(name)):
            builder.keep(field, line, pointer(name))
    if slugline := text_of(item.get("slugline")):
        builder.add("keywords", slugline, "/slugline")
    rights = {"holder": "copyrightHolder", "notice": "copyrightNotice", "usage_terms": "usageTerms"}
    said = {field: text for field, name in rights.items() if (text := text_of(item.get(name)))}
    if said:
        builder.keep("rights", said, pointer(rights[next(iter(said))]))
        for field in said:
            builder.note_origin(f"/rights/{field}", pointer(rights[field]))


def _keep_replaced(item: Item, builder: ArticleBuilder) -> None:
    for where, entry in objects_in(item, "altIds", builder):
        value = text_of(entry.get("value"))
        if value and tail_of(text_of(entry.get("role")) or "").lower() in _REPLACES:
            builder.add("replaces", value, where)
        else:
            builder.drop(where, "is another name of the same item and replaces nothing")


def _report_rest(item: Item, builder: ArticleBuilder) -> None:
    """Report what nothing above looked at, and texts that are something else than text."""
    if item.get("edNote"):
        builder.drop("/edNote", "notes to editors are never published")
    for name in ("title", "by", "located", "slugline", "copyrightHolder", "copyrightNotice", "usageTerms", "language"):
        if item.get(name) is not None and not isinstance(item[name], str):
            builder.drop(pointer(name), "is not text")
    for name in sorted(_LEFT_OUT.keys() & item.keys()):
        builder.drop(pointer(name), _LEFT_OUT[name])
    leave_rest(item, _USED | _LEFT_OUT.keys(), builder, "", "is not a part of ninjs 3.0 that an article has")
