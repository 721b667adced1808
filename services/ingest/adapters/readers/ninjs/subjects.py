"""What and whom an article is about: section, topics, entities, and the people who made it."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.texts import tail_of
from services.ingest.adapters.readers.ninjs.values import Item, leave_rest, objects_in, text_of
from shared.site.sites import Site

_SECTION = ":section:"
_AUTHORS = frozenset({"author", "creator", "writer", "reporter", "contributor"})
_KINDS = {
    "people": "person",
    "organisations": "organisation",
    "places": "place",
    "events": "event",
    "objects": "other",
}
_OF_A_TOPIC = frozenset({"name", "uri", "literal"})
_SAY_NOTHING = (None, "about")  # what every subject is to its article
_NO_ROOM = "a topic or entity keeps its name and uri only"


def keep_section_and_topics(item: Item, builder: ArticleBuilder, site: Site) -> None:
    """Take the section that a subject names, and all other subjects as topics."""
    subjects = list(objects_in(item, "subjects", builder))
    by_uri = [(where, subject) for where, subject in subjects if _SECTION in (text_of(subject.get("uri")) or "")]
    section, origin = _section_in(by_uri, site) or _section_in(subjects, site) or (None, "")
    if section:
        builder.keep("section", section, origin)
    else:
        builder.default_section("no subject names a section")
    for where, subject in subjects:
        name = text_of(subject.get("name")) or text_of(subject.get("literal"))
        uri = text_of(subject.get("uri"))
        is_about = subject.get("rel") in _SAY_NOTHING
        leave_rest(subject, _OF_A_TOPIC | ({"rel"} if is_about else set()), builder, where, _NO_ROOM)
        if uri and _SECTION in uri:
            if where != origin:
                builder.drop(where, "names no section of the site, or a second one")
        elif name:
            builder.add("topics", {"name": name, "uri": uri}, where)
        else:
            builder.drop(where, "has no name")


def keep_people_and_entities(item: Item, builder: ArticleBuilder) -> None:
    """Take the authors, and whom and what the text names."""
    for field, kind in _KINDS.items():
        for where, entry in objects_in(item, field, builder):
            name, uri = text_of(entry.get("name")), text_of(entry.get("uri"))
            rel = tail_of(text_of(entry.get("rel")) or "").lower()
            is_author = kind == "person" and rel in _AUTHORS
            leave_rest(entry, ("name", "uri", "rel"), builder, where, _NO_ROOM)
            if not name:
                builder.drop(where, "has no name")
            elif is_author:
                builder.add("authors", {"name": name, "uri": uri}, where)
            else:
                builder.add("entities", {"name": name, "kind": kind, "uri": uri}, where)


def _section_in(subjects: list[tuple[str, Item]], site: Site) -> tuple[str, str] | None:
    """Return (section, pointer) of the first subject that names a section by uri, literal or name."""
    by_word = {section.name.casefold(): section.id for section in site.sections}
    by_word |= {section.id: section.id for section in site.sections}
    for where, subject in subjects:
        for value in (tail_of(text_of(subject.get("uri")) or ""), subject.get("literal"), subject.get("name")):
            word = text_of(value)
            if word and word.casefold() in by_word:
                return by_word[word.casefold()], where
    return None
