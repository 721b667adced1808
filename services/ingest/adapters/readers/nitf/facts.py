"""Identity, status, times and subjects of a NITF document."""

from __future__ import annotations

import hashlib

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, find, find_all, first_children, place_of
from services.ingest.adapters.readers.facts import find_section, set_local_instant, set_status, set_version
from services.ingest.adapters.readers.iptc import section_words
from services.ingest.ports import ReadingContext
from shared.model.article import Status

_SUBJECT = "tobject.subject"
_NAME_ATTRIBUTES = (f"{_SUBJECT}.detail", f"{_SUBJECT}.matter", f"{_SUBJECT}.type")
_SECTION_META = frozenset(("category", "section", "ntbtjeneste", "service", "ntbkategori"))
_ID_META = frozenset(("uuid", "guid", "ntbid", "uniqueid", "unique-id", "item-id", "articleid", "article-id"))
_ENTITY_KINDS = {"person": "person", "org": "organisation", "location": "place", "event": "event"}
_DIGEST_CHARS = 32
_WITHOUT_RELEASE = "the document is embargoed and names no date of release"


def read_status(docdata: etree._Element | None, builder: ArticleBuilder) -> str:
    """Read the status; return the reason to hold an embargo without a date of release, otherwise an empty text."""
    value = (attribute(docdata, "management-status") or "").lower()
    if docdata is None or not value:
        return ""
    where = place_of(docdata, "management-status")
    if value.rpartition(":")[2] != "embargoed":
        set_status(builder, value, where)
        return ""
    release = find(docdata, "date.release")
    if attribute(release, "norm"):
        builder.set_field("status", Status.USABLE, where)
        return ""
    builder.set_field("status", Status.WITHHELD, where)
    return _WITHOUT_RELEASE


def read_identity(nitf: etree._Element, docdata: etree._Element | None, headline: str, builder: ArticleBuilder) -> None:
    """Read the id and the version; a cancellation names the document that it removes."""
    document, key = find(docdata, "doc-id"), find(docdata, "du-key")
    own_id = _own_id(document, key)
    referred = attribute(docdata, "management-doc-idref")
    referred_status = (attribute(docdata, "management-idref-status") or "").lower()
    builder.expect("source_id", "/nitf/head/docdata/doc-id/@id-string")
    if docdata is not None and referred:
        where = place_of(docdata, "management-doc-idref")
        if builder.is_removal and referred_status not in ("usable", "embargoed"):
            builder.set_field("source_id", referred, where)
        elif referred != own_id:
            builder.add_entry("replaces", referred, where)
    if "source_id" not in builder.values:
        _set_own_id(nitf, document, key, headline, builder)
    for element, name in ((key, "version"), (key, "generation")):
        if element is not None and "version" not in builder.values and attribute(element, name):
            set_version(builder, attribute(element, name), place_of(element, name))


def _own_id(document: etree._Element | None, key: etree._Element | None) -> str | None:
    """Return the document's id; if it only adds a number to the story's key, the key, equal for each version."""
    id_string, story = attribute(document, "id-string"), attribute(key, "key")
    if id_string and story and id_string.startswith(story) and id_string[len(story) :].strip("_-.:v").isdigit():
        return story
    return id_string


def _set_own_id(
    nitf: etree._Element,
    document: etree._Element | None,
    key: etree._Element | None,
    headline: str,
    builder: ArticleBuilder,
) -> None:
    own_id, story = _own_id(document, key), attribute(key, "key")
    if own_id and document is not None:
        builder.set_field("source_id", own_id, place_of(document, "id-string"))
    elif story and key is not None:
        builder.set_field("source_id", story, place_of(key, "key"))
    elif (meta := _meta_id(nitf)) is not None:
        builder.set_field("source_id", attribute(meta, "content"), place_of(meta, "content"))
    elif headline and not builder.is_removal:
        issued = attribute(find(nitf, "head", "docdata", "date.issue"), "norm") or ""
        issuer = attribute(document, "regsrc") or ""
        text = "\n".join((issuer, issued[:8].replace("-", ""), headline))
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARS]
        builder.set_field("source_id", f"nitf:{digest}", "/nitf/body/body.head/hedline")
        builder.warn("no id is given; it is made of the day and the headline, so an update needs the same headline")


def _meta_id(nitf: etree._Element) -> etree._Element | None:
    metas, _ = first_children(find(nitf, "head"), "meta")
    found = (each for each in metas if attribute(each, "content"))
    return next((each for each in found if (attribute(each, "name") or "").lower() in _ID_META), None)


def read_times(nitf: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read the times; a date of release counts if the document is embargoed or if it is later than the issue."""
    docdata = find(nitf, "head", "docdata")
    issue, release = find(docdata, "date.issue"), find(docdata, "date.release")
    revisions = [each for each in find_all(nitf, "head", "revision-history") if attribute(each, "norm")]
    latest = max(revisions, key=lambda each: attribute(each, "norm") or "", default=None)
    stamp = latest if latest is not None else issue
    for field, element in (
        ("version_created", stamp),
        ("first_created", issue if latest is not None else None),
        ("expires_at", find(docdata, "date.expire")),
        ("embargo_until", release),
    ):
        if element is not None:
            set_local_instant(builder, field, attribute(element, "norm"), place_of(element, "norm"), context)
    embargo, issued = builder.values.get("embargo_until"), builder.values.get("version_created")
    is_embargoed = (attribute(docdata, "management-status") or "").lower().endswith("embargoed")
    if release is not None and embargo and issued and embargo <= issued and not is_embargoed:
        del builder.values["embargo_until"]
        builder.confirm(place_of(release, "norm"))


def read_subjects(nitf: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read the section, topics, keywords, and the entities of the head."""
    head = find(nitf, "head")
    subjects, more = first_children(find(head, "tobject"), _SUBJECT)
    _read_section(head, subjects, builder, context)
    for subject in subjects:
        name = next((text for key in _NAME_ATTRIBUTES if (text := attribute(subject, key))), None)
        code = attribute(subject, f"{_SUBJECT}.refnum")
        if name:
            builder.add_entry("topics", {"name": name, "uri": code and f"subj:{code}"}, place_of(subject))
        else:
            builder.drop(place_of(subject), "has no name")
    docdata = find(head, "docdata")
    keywords, more_keywords = first_children(find(docdata, "key-list"), "keyword")
    for keyword in keywords:
        if word := attribute(keyword, "key"):
            builder.add_entry("keywords", word, place_of(keyword, "key"))
    if more or more_keywords:
        builder.drop("/nitf/head", f"{more + more_keywords} more subjects and keywords")
    found, _ = first_children(find(docdata, "identified-content"), *_ENTITY_KINDS)
    for each in found:
        if name := "".join(str(text) for text in each.itertext()).strip() or attribute(each, "value"):
            kind = _ENTITY_KINDS[str(each.tag).rpartition("}")[2]]
            builder.add_entry("entities", {"name": name, "kind": kind}, place_of(each))


def _read_section(
    head: etree._Element | None, subjects: list[etree._Element], builder: ArticleBuilder, context: ReadingContext
) -> None:
    docdata = find(head, "docdata")
    scopes, _ = first_children(docdata, "fixture", "doc-scope")
    words = [(each, [attribute(each, "fix-id") or "", attribute(each, "scope") or ""]) for each in scopes]
    for each in subjects:
        names = [attribute(each, key) or "" for key in _NAME_ATTRIBUTES]
        words.append((each, [*names, *section_words(attribute(each, f"{_SUBJECT}.refnum") or "")]))
    tobject, pubdata = find(head, "tobject"), find(head, "pubdata")
    if tobject is not None:
        words.append((tobject, [attribute(tobject, "tobject.type") or ""]))
    if pubdata is not None:
        words.append((pubdata, [attribute(pubdata, "position.section") or ""]))
    metas, _ = first_children(head, "meta")
    words += [
        (meta, [attribute(meta, "content") or ""])
        for meta in metas
        if (attribute(meta, "name") or "").lower() in _SECTION_META
    ]
    for element, texts in words:
        if section := find_section(context.site, filter(None, texts)):
            builder.set_field("section", section, place_of(element))
            return
    builder.default_section("no subject names a section")
