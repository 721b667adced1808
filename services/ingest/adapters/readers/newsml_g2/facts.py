"""Identity, status, times, rights, links and notes of a NewsML-G2 item."""

from __future__ import annotations

import re
from datetime import datetime

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import (
    attribute,
    find,
    find_all,
    first_children,
    line_in,
    name_of,
    place_of,
)
from services.ingest.adapters.readers.facts import KILL_WORDS, set_language, set_local_instant, set_status, set_version
from services.ingest.adapters.readers.newsml_g2.marks import (
    code_of,
    in_language,
    name_in,
    public_children,
    tail_in,
)
from services.ingest.adapters.readers.reasons import CONTACT_REASON, NOTE_REASON
from services.ingest.adapters.readers.values import tail_of
from services.ingest.ports import ReadingContext
from shared.model.article import Status

_REUTERS_STATUS = "edstat"
_REPLACING = frozenset(("replaces", "supersedes", "evolvedfrom", "rewriteof", "isreplacementof"))
_RELATED = frozenset(("seealso", "related", "relatedto", "isrelatedto", "hasrelated"))
_CORRECTION = re.compile(r"(?:korj|korr|correc|corrig|bericht|rätt|rett|rectif|errat)", re.IGNORECASE)
"""Begins a public note of a correction, in the languages of some agencies that send no signal of it."""
_START_PROPERTIES = frozenset(("pubstart", "publishstart", "embargo", "embargoed", "embargountil"))
_STOP_PROPERTIES = frozenset(("pubstop", "publishstop", "expires", "expirydate"))
_STRICTNESS = {Status.USABLE: 0, Status.WITHHELD: 1, Status.CANCELED: 2}
_LINKED_MEDIA = frozenset(("picture", "graphic", "animation", "video", "audio", "photo", "image"))
_MAX_NOTE_CHARS = 2_000


def read_identity(item: etree._Element, builder: ArticleBuilder) -> None:
    """Read the guid and the version."""
    builder.expect("source_id", f"{place_of(item)}/@guid")
    if guid := attribute(item, "guid"):
        builder.set_field("source_id", guid, place_of(item, "guid"))
    set_version(builder, attribute(item, "version"), place_of(item, "version"))


def read_status(item: etree._Element, builder: ArticleBuilder) -> None:
    """Read the status, the strictest of several; none means usable.

    A signal of deletion cancels an item, since it may be its only mark.
    """
    meta = find(item, "itemMeta")
    strictest: tuple[Status, etree._Element] | None = None
    for status in first_children(meta, "pubStatus")[0]:
        builder.values.pop("status", None)
        set_status(builder, code_of(status) or line_in(status), place_of(status))
        given = builder.values.get("status")
        if given is not None and (strictest is None or _STRICTNESS[given] > _STRICTNESS[strictest[0]]):
            strictest = given, status
    if strictest is not None:
        builder.set_field("status", strictest[0], place_of(strictest[1]))
    for signal in first_children(meta, "signal")[0]:
        if _is_kill(signal) and not builder.is_removal:
            builder.set_field("status", Status.CANCELED, place_of(signal))
            builder.warn("a signal says that the item is deleted; its status says usable")


def _is_kill(signal: etree._Element) -> bool:
    code = (code_of(signal) or "").lower()
    return tail_of(code) in KILL_WORDS or code == f"{_REUTERS_STATUS}:d"


def is_correction(item: etree._Element) -> bool:
    """Return whether a signal says that the item corrects an earlier one."""
    codes = [(code_of(each) or "").lower() for each in find_all(item, "itemMeta", "signal")]
    return any(tail_of(code) in ("correction", "corrected") or code == f"{_REUTERS_STATUS}:c" for code in codes)


def _is_correction_note(note: etree._Element, corrects: bool) -> bool:  # noqa: FBT001 -- a fact of the item
    """Return whether a note is for readers: of a correction, or marked as public and beginning as one."""
    role = tail_in(note, "role")
    return (role == "correction" and corrects) or (
        role == "public" and bool(corrects or _CORRECTION.match(line_in(note) or ""))
    )


def read_times(item: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read the times; an unreadable one refuses the item, except the time at which the content was made."""
    meta, content = find(item, "itemMeta"), find(item, "contentMeta")
    for field, name in (("version_created", "versionCreated"), ("first_created", "firstCreated")):
        _read_time(find(meta, name), field, builder, context)
    for element in first_children(meta)[0]:
        name = name_of(element).lower()
        if "embargo" in name and line_in(element):
            _read_embargo(element, builder, context)
        elif "embargo" in name and element.attrib:
            _read_embargo_in_attribute(element, builder, context)
        elif name in _STOP_PROPERTIES or "expir" in name:
            builder.drop(place_of(element), "is not the place of an expiry; use itemMetaExtProperty")
    _read_properties(meta, builder, context)
    created = find(content, "contentCreated")
    if created is None or not line_in(created):
        return
    if "first_created" in builder.values:
        builder.drop(place_of(created), "firstCreated is used instead")
    elif _is_whole_time(line_in(created) or ""):
        _read_time(created, "first_created", builder, context)
    else:
        builder.drop(place_of(created), "is not a whole date-time")


def _read_properties(meta: etree._Element | None, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read a start and an end of publication that a sender gives as extension properties."""
    properties, _ = first_children(meta, "itemMetaExtProperty")
    for element in properties:
        kind = tail_in(element, "type") or tail_in(element, "rel")
        for names, field in ((_START_PROPERTIES, "embargo_until"), (_STOP_PROPERTIES, "expires_at")):
            if kind in names and field not in builder.values:
                set_local_instant(builder, field, attribute(element, "value"), place_of(element, "value"), context)
        if "embargo" in kind and kind not in _START_PROPERTIES and not builder.is_removal:
            builder.fault(place_of(element), "is not the property of an embargo; use embargoed")
        elif "expir" in kind and kind not in _STOP_PROPERTIES:
            builder.drop(place_of(element), "is not the property of an expiry; use pubStop")


def _read_time(element: etree._Element | None, field: str, builder: ArticleBuilder, context: ReadingContext) -> None:
    if element is not None:
        set_local_instant(builder, field, line_in(element), place_of(element), context)


def _read_embargo(element: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> None:
    earlier = builder.values.pop("embargo_until", None)
    _read_time(element, "embargo_until", builder, context)
    if earlier is not None and builder.values.get("embargo_until", earlier) <= earlier:
        builder.values["embargo_until"] = earlier


def _read_embargo_in_attribute(element: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read an embargo that is the value of an attribute, such as `value`."""
    name = next((each for each in ("value", "date", "until", "end") if attribute(element, each)), None)
    if name is not None:
        set_local_instant(builder, "embargo_until", attribute(element, name), place_of(element, name), context)
    elif not builder.is_removal:
        builder.fault(place_of(element), "is an embargo without a time")


def _is_whole_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return "T" in text


def read_language(item: etree._Element, builder: ArticleBuilder) -> str:
    """Read the language of the content, otherwise of the item or its message; return its tag, or an empty text."""
    root = item.getroottree().getroot()
    found = next((each for each in find_all(item, "contentMeta", "language") if attribute(each, "tag")), None)
    if found is not None:
        set_language(builder, attribute(found, "tag"), place_of(found, "tag"))
    else:
        set_language(builder, attribute(item, "lang") or attribute(root, "lang"), place_of(item, "xml:lang"))
    return str(builder.values.get("language") or "")


def read_rights(item: etree._Element, builder: ArticleBuilder, language: str) -> None:
    """Read holder, notice and usage terms, in the article's language if there is a choice."""
    info = find(item, "rightsInfo")
    given: dict[str, str] = {}
    origins: dict[str, str] = {}
    for field, name in (("holder", "copyrightHolder"), ("notice", "copyrightNotice"), ("usage_terms", "usageTerms")):
        for element in in_language(public_children(info, builder, name), language):
            text = (
                (name_in(element, language) or attribute(element, "literal")) if field == "holder" else line_in(element)
            )
            if text and field not in given:
                given[field], origins[field] = text, place_of(element)
    if given:
        builder.set_field("rights", given, origins[next(iter(given))])
        for field, origin in origins.items():
            builder.note_origin(f"/rights/{field}", origin)


def read_links(item: etree._Element, builder: ArticleBuilder) -> None:
    """Read related items, replaced items and the canonical address."""
    for link in public_children(find(item, "itemMeta"), builder, "link"):
        relation, where = tail_in(link, "rel") or tail_in(link, "reluri"), place_of(link)
        guid, address = attribute(link, "residref"), attribute(link, "href")
        if tail_in(find(link, "itemClass")) in _LINKED_MEDIA:
            builder.drop(where, "is a picture, video or sound and no related article")
        elif relation == "canonical" and address:
            builder.set_field("canonical_url", address, f"{where}/@href")
        elif relation in _REPLACING and guid and guid != builder.values.get("source_id"):
            builder.add_entry("replaces", guid, where)
        elif relation in _RELATED and (guid or address):
            title = line_in(link, "title") or line_in(link, "headline") or line_in(link, "name")
            related = {"source_id": guid, "url": address, "title": title, "relation": relation}
            builder.add_entry("related", {key: text for key, text in related.items() if text}, where)
        else:
            builder.drop(where, f"links of relation {relation[:40] or 'none'} are not used")


def read_notes(item: etree._Element, builder: ArticleBuilder) -> None:
    """Read the public correction note of a correction, and report all other notes as left out."""
    texts: list[str] = []
    corrects = is_correction(item)
    notes, _ = first_children(find(item, "itemMeta"), "edNote", "ednote")
    for note in notes:
        if not line_in(note):
            continue
        if attribute(note, "pubconstraint") is None and _is_correction_note(note, corrects):
            texts.append(line_in(note) or "")
            builder.set_field("correction_note", " ".join(texts)[:_MAX_NOTE_CHARS], place_of(note))
        else:
            builder.drop(place_of(note), NOTE_REASON)
    parties, _ = first_children(find(item, "contentMeta"), "creator", "contributor", "infoSource")
    for party in parties:
        if next(party.iter("{*}contactInfo"), None) is not None:
            builder.drop(f"{place_of(party)}//contactInfo", CONTACT_REASON)
