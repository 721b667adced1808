"""Byline, dateline, keywords, rights, custom fields and replaced items of a ninjs item."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.ninjs.texts import text_in
from services.ingest.adapters.readers.values import tail_of, text_of
from services.ingest.domain.pointers import pointer

_REPLACING_ROLES = frozenset({"replaces", "replaced", "supersedes", "previous", "evolvedfrom", "rewriteof"})
_RIGHTS = {"holder": "copyrightholder", "notice": "copyrightnotice", "usage_terms": "usageterms"}
_CUSTOM_FIELDS = {
    "overtitle": "kicker",
    "kicker": "kicker",
    "slug": "slug",
    "correction_note": "correction_note",
    "canonical_url": "canonical_url",
}
"""Superdesk's custom fields (`extra`) -> fields of an article. A newsroom names them in its content profile."""


def read_lines(item: Part, builder: ArticleBuilder) -> None:
    """Read byline, dateline, keywords, rights and custom fields."""
    for name, field in (("by", "byline"), ("located", "dateline")):
        if line := text_in(item.value(name)):
            builder.set_field(field, line, item.pointer_to(name))
    _read_keywords(item, builder)
    rights = {field: text for field, name in _RIGHTS.items() if (text := text_in(item.value(name)))}
    if rights:
        builder.set_field("rights", rights, item.pointer_to(_RIGHTS[next(iter(rights))]))
        for field in rights:
            builder.note_origin(f"/rights/{field}", item.pointer_to(_RIGHTS[field]))
    _read_custom_fields(item, builder)


def read_replaced(item: Part, builder: ArticleBuilder) -> None:
    """Read the ids of the items that this one replaces: `evolvedfrom`, and alternative ids with such a role."""
    for given in item.spellings("evolvedfrom"):
        if (value := text_of(given.value)) and value != builder.values.get("source_id"):
            builder.add_entry("replaces", value, given.where)
        else:
            builder.drop(given.where, "names no other item")
    for given in item.spellings("altids"):
        if isinstance(given.value, dict):
            entries = [(given.where + pointer(key), key, value) for key, value in given.value.items()]
        else:
            entries = [(p.where, p.text("role") or "", p.value("value")) for p in item.parts("altids", builder)]
        for where, role, value in entries:
            replaced = text_of(value)
            if replaced and tail_of(role).lower() in _REPLACING_ROLES:
                builder.add_entry("replaces", replaced, where)
            else:
                builder.drop(where, "is an alternative id of the same item and replaces nothing")


def _read_keywords(item: Part, builder: ArticleBuilder) -> None:
    """Read the keywords, otherwise the slugline, which is the wires' keyword."""
    count = 0
    for given in item.spellings("keywords"):
        words = given.value if isinstance(given.value, list) else [given.value]
        for index, word in enumerate(words):
            where = given.where + (pointer(index) if isinstance(given.value, list) else "")
            if text := text_in(word):
                builder.add_entry("keywords", text, where)
                count += 1
            else:
                builder.drop(where, "is not text")
    slugline = item.text("slugline")
    if slugline and count:
        builder.drop(item.pointer_to("slugline"), "the keywords are used instead")
    elif slugline:
        builder.add_entry("keywords", slugline, item.pointer_to("slugline"))


def _read_custom_fields(item: Part, builder: ArticleBuilder) -> None:
    extra = item.value("extra")
    if not isinstance(extra, dict):
        return
    for name, value in extra.items():
        where = item.pointer_to("extra") + pointer(name)
        field = _CUSTOM_FIELDS.get(name.lower())
        text = text_in(value)
        if field and text and builder.values.get(field) is None:
            builder.set_field(field, text, where)
        elif value not in (None, "", [], {}):
            builder.drop(where, "is a custom field that has no place in an article")
