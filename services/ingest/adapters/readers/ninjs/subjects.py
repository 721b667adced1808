"""Section, topics, entities and authors of a ninjs item."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import find_section
from services.ingest.adapters.readers.values import Item, drop_others, objects_in, tail_of, text_of
from shared.site.sites import Site

_SECTION_SCHEME = ":section:"
_AUTHOR_RELATIONS = frozenset({"author", "creator", "writer", "reporter", "contributor"})
_ENTITY_KINDS = {
    "people": "person",
    "organisations": "organisation",
    "places": "place",
    "events": "event",
    "objects": "other",
}
_TOPIC_FIELDS = frozenset({"name", "uri", "literal"})
_DEFAULT_RELATIONS = (None, "about")  # add nothing to a subject
_NOT_USED = "only name and uri of a topic or entity are used"


def read_section_and_topics(item: Item, builder: ArticleBuilder, site: Site) -> None:
    """Read the section that a subject names, and all other subjects as topics."""
    subjects = list(objects_in(item, "subjects", builder))
    by_uri = [(where, subject) for where, subject in subjects if _SECTION_SCHEME in (text_of(subject.get("uri")) or "")]
    section, origin = _section_in(by_uri, site) or _section_in(subjects, site) or (None, "")
    if section:
        builder.set_field("section", section, origin)
    else:
        builder.default_section("no subject names a section")
    for where, subject in subjects:
        name = text_of(subject.get("name")) or text_of(subject.get("literal"))
        uri = text_of(subject.get("uri"))
        is_about = subject.get("rel") in _DEFAULT_RELATIONS
        drop_others(subject, _TOPIC_FIELDS | ({"rel"} if is_about else set()), builder, where, _NOT_USED)
        if uri and _SECTION_SCHEME in uri:
            if where != origin:
                builder.drop(where, "names no section of the site, or a second one")
        elif name:
            builder.add_entry("topics", {"name": name, "uri": uri}, where)
        else:
            builder.drop(where, "has no name")


def read_people_and_entities(item: Item, builder: ArticleBuilder) -> None:
    """Read the authors, and the people, organisations, places, events and objects of the text."""
    for field, kind in _ENTITY_KINDS.items():
        for where, entry in objects_in(item, field, builder):
            name, uri = text_of(entry.get("name")), text_of(entry.get("uri"))
            rel = tail_of(text_of(entry.get("rel")) or "").lower()
            is_author = kind == "person" and rel in _AUTHOR_RELATIONS
            drop_others(entry, ("name", "uri", "rel"), builder, where, _NOT_USED)
            if not name:
                builder.drop(where, "has no name")
            elif is_author:
                builder.add_entry("authors", {"name": name, "uri": uri}, where)
            else:
                builder.add_entry("entities", {"name": name, "kind": kind, "uri": uri}, where)


def _section_in(subjects: list[tuple[str, Item]], site: Site) -> tuple[str, str] | None:
    """Return (section, pointer) of the first subject that names a section by uri, literal or name."""
    for where, subject in subjects:
        words = (
            tail_of(text_of(subject.get("uri")) or ""),
            text_of(subject.get("literal")),
            text_of(subject.get("name")),
        )
        if section := find_section(site, words):
            return section, where
    return None
