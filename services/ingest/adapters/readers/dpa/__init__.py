"""Reads the entries of dpa's digital wires in JSON; their NewsML-G2 form gives the same article."""

from __future__ import annotations

import re

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.dpa.about import FORMAT
from services.ingest.adapters.readers.dpa.body import links_in, read_body
from services.ingest.adapters.readers.dpa.entry import (
    categories,
    find_embargo_signal,
    find_note_for_editors,
    is_correction,
    kind_of,
    read_identity,
    read_status,
    read_times,
    signals_of,
)
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import (
    DISPENSABLE_FIELDS,
    PictureFile,
    SentPicture,
    find_section,
    set_language,
    set_pictures,
    set_urgency,
)
from services.ingest.adapters.readers.iptc import section_words
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.values import Item, drop_others, objects_in, tail_of, text_of, whole_number
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext
from shared.model.article import Status
from shared.model.text import collapsed
from shared.site.sites import Site

_FORMAT_NAME = re.compile(r"^digitalwires@(\d{1,3}(?:\.\d{1,3}){0,3})$")
_MARKS = frozenset({"article_html", "urn", "entry_id", "categories"})
_DASHES = " -\u2013\u2014_:"
_MAX_NOTE_CHARS = 2_000
_USED = frozenset(
    {
        *(
            "format",
            "type",
            "urn",
            "entry_id",
            "version",
            "version_created",
            "pubstatus",
            "signal",
            "signals",
            "embargoed",
        ),
        *("content_created", "language", "urgency", "kicker", "headline", "subhead", "teaser", "byline", "creditline"),
        *("dateline", "article_html", "infobox_html", "linkbox_html", "copyrightnotice", "usageterms"),
        *("autopublishnotice", "ednotes", "notepad", "associations", "categories"),
    }
)
_UNUSED = {
    "updated": "is the time of the delivery; version_created is used",
    "descriptions": "describe the picture of an entry without a text",
}
_UNUSED |= dict.fromkeys(
    (
        *("current_rubric_names", "rubric_names", "dpasubject_names", "geosubject_names", "keyword_names"),
        *("desk_names", "genre_names", "poi_names", "scope_names"),
    ),
    "repeats names of the categories",
)
_UNUSED_CATEGORIES = {"poi": "addresses are not published"}
_PEOPLE = ("creator", "contributor")
_AUTHOR_ROLES = frozenset({"author", "writer", "reporter", "journalist", "correspondent", "byline", "columnist"})
_SILENT_CATEGORIES = frozenset({"signal", "pubstatus", "urgency", "provider", "desk", "rubric"})  # repeat fields
_USED_CATEGORIES = frozenset({"dpasubject", "geosubject", "keyword", "person", "organisation", "organization"})


class DpaReader:
    """Reads dpa's digital wires."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is an entry, or a list of entries."""
        item = document.find_json_object()
        if item is None:
            return False
        entries = item.get("entries")
        first = entries[0] if isinstance(entries, list) and entries else None
        return _is_entry(item) or (isinstance(first, dict) and _is_entry(first))

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the entries in their order.

        Raises:
            RefusedError: 400, 413 or 422.
        """
        item = document.json()
        if not isinstance(item, dict):
            raise unacceptable([Fault("", "must be a JSON object, an entry of dpa's digital wires")])
        entries = item.get("entries")
        if not isinstance(entries, list) or _is_entry(item):
            return [_read(item, context)]
        found = [each for each in entries if isinstance(each, dict)]
        return read_each(found, lambda each: _read(each, context), _name_of, FORMAT.name)


def _is_entry(item: Item) -> bool:
    if _FORMAT_NAME.match(text_of(item.get("format")) or ""):
        return True
    return item.keys() >= _MARKS


def _name_of(item: Item) -> str:
    return text_of(item.get("urn")) or text_of(item.get("entry_id")) or text_of(item.get("headline")) or ""


def _read(item: Item, context: ReadingContext) -> Entry:
    version = _FORMAT_NAME.match(text_of(item.get("format")) or "")
    builder = ArticleBuilder(f"{FORMAT.name}-{version[1]}" if version else FORMAT.name, context)
    signals = signals_of(item, builder)
    read_status(item, builder, signals)
    read_identity(item, builder)
    has_text = text_of(item.get("article_html")) is not None
    if not has_text and (kinds := _kinds_of_media(item)):
        return builder.set_aside("media", f"an entry without a text; it has {kinds}")
    read_times(item, builder)
    set_urgency(builder, item.get("urgency"), "/urgency")
    set_language(builder, item.get("language"), "/language")
    _read_lines(item, builder)
    _read_authors(item, builder)
    _read_subjects(item, builder, context.site)
    _read_rights(item, builder)
    _read_notes(item, builder, signals)
    _read_related(item, builder)
    _read_associations(item, builder)
    read_body(item, builder)
    _report_unused(item, builder)
    held_because = ""
    if not builder.is_removal and (signal := find_embargo_signal(item, signals)):
        held_because = f"the signal {signal[:40]} has no time at which the embargo ends"
        builder.set_field("status", Status.WITHHELD, "/signal")
    elif not builder.is_removal and (word := find_note_for_editors(item, builder)):
        held_because = f"{word} is for editors"
        builder.set_field("status", Status.WITHHELD, "/categories")
    return builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)


def _kinds_of_media(item: Item) -> str:
    """Return the kinds of the associated media, such as `image`; empty if there are none."""
    associations = item.get("associations")
    found = associations if isinstance(associations, list) else []
    kinds = {text_of(each.get("type")) or "media" for each in found if isinstance(each, dict)}
    return ", ".join(sorted(kind[:20] for kind in list(kinds)[:5]))


def _read_lines(item: Item, builder: ArticleBuilder) -> None:
    """Read headline, kicker, standfirst, byline and dateline."""
    builder.expect("headline", "/headline")
    for name, field in (("headline", "headline"), ("kicker", "kicker"), ("teaser", "standfirst"), ("byline", "byline")):
        if line := text_of(item.get(name)):
            builder.set_field(field, collapsed(line), pointer(name))
    for name, field in (("subhead", "standfirst"), ("creditline", "byline")):
        line = text_of(item.get(name))
        if line and field in builder.values:
            builder.drop(pointer(name), f"the {'teaser' if name == 'subhead' else 'byline'} is used")
        elif line:
            builder.set_field(field, collapsed(line), pointer(name))
    if dateline := (text_of(item.get("dateline")) or "").strip(_DASHES):
        builder.set_field("dateline", collapsed(dateline), "/dateline")


def _read_authors(item: Item, builder: ArticleBuilder) -> None:
    """Read creators and contributors with an author's role, and those without a role that the byline names."""
    byline = str(builder.values.get("byline") or "").casefold()
    for where, person in categories(item, builder, *_PEOPLE):
        name, role = collapsed(text_of(person.get("name")) or ""), tail_of(text_of(person.get("role")) or "").lower()
        is_named = not role and " " in name and name.casefold() in byline
        if name and (role in _AUTHOR_ROLES or is_named):
            builder.add_entry("authors", {"name": name, "uri": text_of(person.get("qcode"))}, where)
        else:
            builder.drop(where, "is no author by its role, and the byline does not name it")


def _read_subjects(item: Item, builder: ArticleBuilder, site: Site) -> None:
    """Read section, topics, places, people and keywords from the categories."""
    found = list(categories(item, builder, "desk", "geosubject", "dpasubject", "wire", "rubric"))
    named = ((where, _section_names(category)) for where, category in found)
    coded = ((where, section_words(text_of(category.get("qcode")) or "")) for where, category in found)
    for where, words in (*named, *coded):  # a name of the sender's counts more than IPTC's name of a code
        if section := find_section(site, words):
            builder.set_field("section", section, where)
            break
    else:
        builder.default_section("no category names a section")
    kinds = {"geosubject": "place", "person": "person", "organisation": "organisation", "organization": "organisation"}
    for where, category in categories(item, builder, *_USED_CATEGORIES):
        name, uri, kind = text_of(category.get("name")), text_of(category.get("qcode")), kind_of(category)
        if not name:
            builder.drop(where, "has no name")
        elif kind == "keyword":
            builder.add_entry("keywords", name, where)
        elif kind == "dpasubject":
            builder.add_entry("topics", {"name": name, "uri": uri}, where)
        else:
            builder.add_entry("entities", {"name": name, "kind": kinds[kind], "uri": uri}, where)
    for where, category in objects_in(item, "categories", builder):
        kind = kind_of(category)
        if kind not in _USED_CATEGORIES | _SILENT_CATEGORIES and kind not in _PEOPLE:
            builder.drop(where, _UNUSED_CATEGORIES.get(kind, f"categories of type {kind[:40]!a} are not used"))


def _section_names(category: Item) -> list[str]:
    """Return the words of a category that may name a section: its name, the last part of it, its code."""
    name, code = text_of(category.get("name")) or "", text_of(category.get("qcode")) or ""
    return [each for each in (name, code, name.rpartition(".")[2]) if each]


def _read_rights(item: Item, builder: ArticleBuilder) -> None:
    terms = item.get("usageterms")
    usage = " ".join(each for each in terms if isinstance(each, str)) if isinstance(terms, list) else text_of(terms)
    notices = [(name, text) for name in ("copyrightnotice", "autopublishnotice") if (text := text_of(item.get(name)))]
    found = {"notice": notices[0][1] if notices else None, "usage_terms": usage or None}
    origins = {"notice": pointer(notices[0][0]) if notices else "", "usage_terms": "/usageterms"}
    given = {field: text for field, text in found.items() if text}
    if given:
        builder.set_field("rights", given, origins[next(iter(given))])
        for field in given:
            builder.note_origin(f"/rights/{field}", origins[field])
    for name, _ in notices[1:]:
        builder.drop(pointer(name), "the copyright notice is used")


def _read_notes(item: Item, builder: ArticleBuilder, signals: frozenset[str]) -> None:
    """Read the public note of a correction, and report all other notes as left out."""
    texts: list[str] = []
    for where, note in objects_in(item, "ednotes", builder):
        text, role = text_of(note.get("ednote")), tail_of(text_of(note.get("role")) or "").lower()
        if not text:
            continue
        if is_correction(signals) and role == "correction" and note.get("is_publishable") is True:
            texts.append(collapsed(text))
            builder.set_field("correction_note", " ".join(texts)[:_MAX_NOTE_CHARS], where)
        else:
            builder.drop(where, NOTE_REASON)
    notepad = item.get("notepad")
    if isinstance(notepad, dict):
        for name, value in notepad.items():
            if value:
                builder.drop(pointer("notepad", name), NOTE_REASON)
    elif notepad:
        builder.drop("/notepad", NOTE_REASON)


def _read_related(item: Item, builder: ArticleBuilder) -> None:
    for address, words in links_in(text_of(item.get("linkbox_html")) or ""):
        builder.add_entry("related", {"url": address, "title": words or None, "relation": "seealso"}, "/linkbox_html")


def _read_associations(item: Item, builder: ArticleBuilder) -> None:
    pictures = []
    for where, entry in objects_in(item, "associations", builder):
        kind = (text_of(entry.get("type")) or "").lower()
        if kind not in ("image", "picture", "graphic"):
            builder.drop(where, f"associated items of type {kind[:40]!a} are not supported yet")
            continue
        files = [
            PictureFile(here + pointer("url"), text_of(each.get("url")) or "", whole_number(each.get("width")) or 0)
            for here, each in objects_in(entry, "renditions", builder, where)
        ]
        pictures.append(
            SentPicture(
                where=where,
                files=files,
                caption=text_of(entry.get("caption")),
                credit=text_of(entry.get("creditline")),
                is_lead=entry.get("is_featureimage") is True,
            )
        )
    set_pictures(builder, pictures)


def _report_unused(item: Item, builder: ArticleBuilder) -> None:
    for name, reason in _UNUSED.items():
        if item.get(name):
            builder.drop(pointer(name), reason)
    drop_others(item, _USED | _UNUSED.keys(), builder, "", "is not a field of digital wires that Pressline uses")
