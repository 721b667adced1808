"""Reads NITF 3.x (IPTC): one news text with its management data."""

from __future__ import annotations

import re

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, children, find, first_children, line_in, place_of
from services.ingest.adapters.readers.facts import (
    DISPENSABLE_FIELDS,
    set_body,
    set_language,
    set_pictures,
    set_urgency,
)
from services.ingest.adapters.readers.nitf.about import FORMAT
from services.ingest.adapters.readers.nitf.body import read_nitf_body
from services.ingest.adapters.readers.nitf.facts import read_identity, read_status, read_subjects, read_times
from services.ingest.adapters.readers.nitf.lines import (
    abstract_in,
    byline_text,
    bylines_in,
    dateline_in,
    dateline_text,
    headline_in,
    inline_text,
    people_in,
)
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_VERSION = re.compile(r"NITF (\d\.\d)")
_WEB_ADDRESS = re.compile(r"^https?://[^\s]+$")


class NitfReader:
    """Reads one NITF document."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the root element is `nitf`."""
        return document.root_name == "nitf"

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the document as the only entry.

        Raises:
            RefusedError: 400 or 422.
        """
        nitf = document.xml()
        if document.root_name != "nitf":
            raise unacceptable([Fault("", "must be an XML document with the root element nitf")])
        found = _VERSION.search(attribute(nitf, "version") or "")
        builder = ArticleBuilder(f"nitf-{found[1]}" if found else "nitf", context)
        for warning in document.warnings:
            builder.warn(warning)
        docdata = find(nitf, "head", "docdata")
        held_because = read_status(docdata, builder)
        _read_lines(nitf, builder)
        read_identity(nitf, docdata, str(builder.values.get("headline") or ""), builder)
        read_times(nitf, builder, context)
        urgency = find(docdata, "urgency")
        if urgency is not None:
            set_urgency(builder, attribute(urgency, "ed-urg"), place_of(urgency, "ed-urg"))
        language = attribute(nitf, "baselang") or attribute(nitf, "lang") or attribute(find(nitf, "body"), "lang")
        set_language(builder, language, "/nitf/@baselang")
        read_subjects(nitf, builder, context)
        _read_body(nitf, builder)
        _read_rights(nitf, docdata, builder)
        _report_notes(nitf, builder)
        return [builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)]


def _read_lines(nitf: etree._Element, builder: ArticleBuilder) -> None:
    """Read headline, standfirst, byline with its people, and dateline."""
    _read_headlines(nitf, builder)
    for number, byline in enumerate(bylines_in(nitf)):
        if not number:
            builder.set_field("byline", byline_text(byline), place_of(byline))
        for person, name in people_in(byline):
            builder.add_entry("authors", {"name": name}, place_of(person))
    distributor = find(nitf, "body", "body.head", "distributor")
    if distributor is not None and "byline" not in builder.values and (line := line_in(distributor)):
        builder.set_field("byline", line, place_of(distributor))
    if (dateline := dateline_in(nitf)) is not None and (place := dateline_text(dateline)):
        builder.set_field("dateline", place, place_of(dateline))


def _read_headlines(nitf: etree._Element, builder: ArticleBuilder) -> None:
    """Read the headline; the standfirst is the abstract, otherwise a second headline."""
    builder.expect("headline", "/nitf/body/body.head/hedline/hl1")
    headline = headline_in(nitf)
    if headline is not None and (text := inline_text(headline)):
        builder.set_field("headline", text, place_of(headline))
    abstract = abstract_in(nitf)
    if abstract and abstract[1] != builder.values.get("headline"):
        builder.set_field("standfirst", abstract[1], place_of(abstract[0]))
    seconds, _ = first_children(find(nitf, "body", "body.head", "hedline"), "hl2")
    for second in seconds:
        text = inline_text(second)
        if text and text != builder.values.get("headline") and "standfirst" not in builder.values:
            builder.set_field("standfirst", text, place_of(second))
        elif text:
            builder.drop(place_of(second), "repeats the headline, or a standfirst is given")


def _read_body(nitf: etree._Element, builder: ArticleBuilder) -> None:
    builder.expect("body", "/nitf/body/body.content")
    lines = [builder.values.get(field) for field in ("headline", "byline", "standfirst")]
    body = read_nitf_body(nitf, builder, lines)
    if body.markup:
        set_body(builder, body.markup, "/nitf/body/body.content", is_html=True)
    set_pictures(builder, body.pictures)


def _read_rights(nitf: etree._Element, docdata: etree._Element | None, builder: ArticleBuilder) -> None:
    """Read the rights, and an address of the document on the web."""
    copyright_, rights = find(docdata, "doc.copyright"), find(docdata, "doc.rights")
    head = find(nitf, "body", "body.head", "rights")
    owner = line_in(head, "rights.owner")
    found = {
        "holder": attribute(copyright_, "holder") or attribute(rights, "owner") or owner,
        "notice": line_in(head) if owner is None and head is not None else None,
        "usage_terms": attribute(rights, "limitations"),
    }
    if given := {key: text for key, text in found.items() if text}:
        source = copyright_ if copyright_ is not None else rights
        builder.set_field("rights", given, place_of(source) if source is not None else "/nitf/body/body.head/rights")
    for pubdata in children(find(nitf, "head"), "pubdata"):
        address = attribute(pubdata, "ex-ref") or ""
        if _WEB_ADDRESS.match(address) and "canonical_url" not in builder.values:
            builder.set_field("canonical_url", address, place_of(pubdata, "ex-ref"))


def _report_notes(nitf: etree._Element, builder: ArticleBuilder) -> None:
    notes, _ = first_children(find(nitf, "head", "docdata"), "ed-msg")
    for note in notes:
        if attribute(note, "info") or line_in(note):
            builder.drop(place_of(note), NOTE_REASON)
    for note in first_children(find(nitf, "body", "body.head"), "note")[0]:
        builder.drop(place_of(note), NOTE_REASON)
