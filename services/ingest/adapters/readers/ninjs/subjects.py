"""Section, topics, entities and authors of a ninjs item."""

from __future__ import annotations

import re

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import find_section
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.values import tail_of, text_of
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
_TOPIC_FIELDS = frozenset({"name", "uri", "literal", "code", "scheme"})
_DEFAULT_RELATIONS = (None, "about")  # add nothing to a subject
_WEB_SCHEME = re.compile(r"https?://\S+", re.IGNORECASE)
_SUBJECT_CODE = re.compile(r"\d{8}")  # of IPTC's subject codes, which Superdesk sends without their vocabulary
_NOT_USED = "only name and identifier of a topic or entity are used"
_AUTHOR_FIELDS = frozenset({"name", "role", "uri"})


def read_section_and_topics(item: Part, builder: ArticleBuilder, site: Site) -> None:
    """Read the section that a service (Superdesk) or a subject names, and the subjects as topics."""
    services = list(item.parts("service", builder))
    subjects = list(item.parts("subjects", builder))
    by_uri = [subject for subject in subjects if _SECTION_SCHEME in (subject.text("uri") or "")]
    section, origin = next(
        (found for parts in (by_uri, services, subjects) if (found := _section_in(parts, site))), (None, "")
    )
    if section:
        builder.set_field("section", section, origin)
    else:
        builder.default_section("no subject or service names a section")
    for service in services:
        if service.where != origin:
            builder.drop(service.where, "names no section of the site, or a second one")
    for subject in subjects:
        _read_subject(subject, builder, is_section=subject.where == origin)


def read_people_and_entities(item: Part, builder: ArticleBuilder) -> None:
    """Read the authors, and the people, organisations, places, events and objects of the text."""
    for author in item.parts("authors", builder):
        _read_author(author, builder)
    for field, kind in _ENTITY_KINDS.items():
        for entry in item.parts(field, builder):
            name, uri = entry.text("name"), _uri_of(entry)
            rel = tail_of(entry.text("rel") or "").lower()
            entry.drop_others(_TOPIC_FIELDS | {"rel"}, builder, _NOT_USED)
            if not name:
                builder.drop(entry.where, "has no name")
            elif kind == "person" and rel in _AUTHOR_RELATIONS:
                builder.add_entry("authors", {"name": name, "uri": uri}, entry.where)
            else:
                builder.add_entry("entities", {"name": name, "kind": kind, "uri": uri}, entry.where)


def _read_subject(subject: Part, builder: ArticleBuilder, *, is_section: bool) -> None:
    name = subject.text("name") or subject.text("literal")
    is_about = subject.value("rel") in _DEFAULT_RELATIONS
    subject.drop_others(_TOPIC_FIELDS | ({"rel"} if is_about else frozenset()), builder, _NOT_USED)
    if _SECTION_SCHEME in (subject.text("uri") or ""):
        if not is_section:
            builder.drop(subject.where, "names no section of the site, or a second one")
    elif name:
        builder.add_entry("topics", {"name": name, "uri": _uri_of(subject)}, subject.where)
    else:
        builder.drop(subject.where, "has no name")


def _read_author(author: Part, builder: ArticleBuilder) -> None:
    """Read an author of Superdesk's dialect. The role separates writers from photographers and editors."""
    name = author.text("name")
    author.drop_others(_AUTHOR_FIELDS, builder, "only name and role of an author are used")
    if name:
        value = {"name": name, "role": author.text("role"), "uri": author.text("uri")}
        builder.add_entry("authors", value, author.where)
    else:
        builder.drop(author.where, "has no name")


def _section_in(parts: list[Part], site: Site) -> tuple[str, str] | None:
    """Return (section, pointer) of the first part that names a section by uri, code, literal or name."""
    for part in parts:
        words = (tail_of(part.text("uri") or ""), part.text("literal"), part.text("code"), part.text("name"))
        if section := find_section(site, words):
            return section, part.where
    return None


def _uri_of(part: Part) -> str | None:
    """Return the uri; in ninjs 1.x it is made from scheme and code."""
    if uri := part.text("uri"):
        return uri
    scheme, code = part.text("scheme"), text_of(part.value("code"))
    if code is None:
        return None
    if scheme is None:
        return f"subj:{code}" if _SUBJECT_CODE.fullmatch(code) else None
    if _WEB_SCHEME.fullmatch(scheme):
        return scheme + code if scheme.endswith(("/", "#", "=")) else f"{scheme}/{code}"
    return f"{scheme}:{code}"
