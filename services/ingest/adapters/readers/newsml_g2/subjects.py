"""Section, topics and entities of a NewsML-G2 item."""

from __future__ import annotations

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, find, place_of
from services.ingest.adapters.readers.facts import find_section
from services.ingest.adapters.readers.iptc import section_words
from services.ingest.adapters.readers.newsml_g2.marks import (
    code_of,
    drop_all,
    name_in,
    public_children,
    tail_in,
    words_of,
)
from shared.site.sites import Site

_ENTITY_KINDS = {
    "geoarea": "place",
    "person": "person",
    "organisation": "organisation",
    "organization": "organisation",
    "event": "event",
    "object": "other",
}
_DESKS = frozenset(("category", "desk", "department"))
"""Types of subjects that name a desk: they give the section, and no topic."""
_UNUSED = {"poi": "addresses are not published"}
_GENRE_REASON = "genres are not supported yet"
_NOTE_GENRES = frozenset(
    ("daybook", "advisory", "mediaadvisory", "notetoeditors", "editorsnote", "tagesvorschau", "terminvorschau")
)


def read_subjects(item: etree._Element, builder: ArticleBuilder, language: str, site: Site) -> None:
    """Read the section that a subject, service or group names, and the subjects as topics and entities."""
    content = find(item, "contentMeta")
    subjects = public_children(content, builder, "subject")
    groups = public_children(find(item, "itemMeta"), builder, "service", "memberOf")
    _read_section([*subjects, *groups], builder, site)
    for subject in subjects:
        kind, where, name = tail_in(subject, "type"), place_of(subject), name_in(subject, language)
        entry = {"name": name, "uri": attribute(subject, "qcode") or attribute(subject, "uri")}
        if kind in _UNUSED:
            builder.drop(where, _UNUSED[kind])
        elif kind in _DESKS:
            builder.confirm(where)
        elif not name:
            builder.drop(where, "has no name")
        elif kind in _ENTITY_KINDS:
            builder.add_entry("entities", entry | {"kind": _ENTITY_KINDS[kind]}, where)
        else:
            builder.add_entry("topics", entry, where)
    drop_all(public_children(content, builder, "genre"), builder, _GENRE_REASON)


def find_note_genre(item: etree._Element, builder: ArticleBuilder) -> str:
    """Return the genre of an item that is for editors, such as a list of coming events; otherwise an empty text."""
    for genre in public_children(find(item, "contentMeta"), builder, "genre"):
        words = [tail_in(genre), *(name.casefold().replace(" ", "") for name in words_of(genre))]
        for word in words:
            if word in _NOTE_GENRES:
                return word
    return ""


def _read_section(found: list[etree._Element], builder: ArticleBuilder, site: Site) -> None:
    named = ((element, [*words_of(element), code_of(element) or ""]) for element in found)
    coded = ((element, section_words(code_of(element) or "")) for element in found)
    for element, words in (*named, *coded):  # a name of the sender's counts more than IPTC's name of a code
        if section := find_section(site, words):
            builder.set_field("section", section, place_of(element))
            return
    builder.default_section("no subject names a section")
