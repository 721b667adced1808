"""Headline, kicker, standfirst, byline, authors, dateline and keywords of a NewsML-G2 item."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, find, line_in, place_of
from services.ingest.adapters.readers.newsml_g2.marks import (
    code_of,
    drop_all,
    in_language,
    name_in,
    public_children,
    tail_in,
)
from services.ingest.adapters.readers.nitf.lines import (
    abstract_in,
    byline_text,
    bylines_in,
    dateline_in,
    dateline_text,
    headline_in,
    inline_text,
    is_byline,
    people_in,
)
from services.ingest.adapters.readers.values import whole_number
from shared.model.text import collapsed

_KICKER_ROLES = frozenset(("kicker", "eyebrow", "overline", "topline"))
_MAIN_ROLES = frozenset(("", "main", "headline", "hl1"))
_STANDFIRST_ROLES = ("standfirst", "dek", "teaser", "summary", "abstract", "")
_SECOND_ROLES = frozenset(("subheadline", "subhead", "subheading", "subtitle"))
_AUTHOR_ROLES = frozenset(("author", "writer", "reporter", "journalist", "correspondent", "byline", "columnist"))
_DPA_KICKER_RANK = 3
_LOWEST_RANK = 1_000


def read_headline(
    content: etree._Element | None, builder: ArticleBuilder, language: str, fallbacks: Iterable[etree._Element | None]
) -> None:
    """Read the main headline and the kicker; without a headline, the first of `fallbacks` with a text is used."""
    builder.expect("headline", "/newsItem/contentMeta/headline")
    found = [each for each in public_children(content, builder, "headline") if line_in(each)]
    kicker = next((each for each in found if _is_kicker(each, builder)), None)
    others = in_language([each for each in found if each is not kicker], language)
    chosen = min(others, key=_headline_rank, default=None)
    if kicker is not None:
        builder.set_field("kicker", inline_text(kicker), place_of(kicker))
    if chosen is not None:
        builder.set_field("headline", inline_text(chosen), place_of(chosen))
    else:
        for each in fallbacks:
            if each is not None and (text := inline_text(each)):
                builder.set_field("headline", text, place_of(each))
                builder.warn("contentMeta has no headline; another title of the item is used")
                break
    others = [each for each in found if each not in (chosen, kicker) and tail_in(each, "role") not in _SECOND_ROLES]
    drop_all(others, builder, "another headline is used")


def _headline_rank(headline: etree._Element) -> tuple[bool, int]:
    return (tail_in(headline, "role") not in _MAIN_ROLES, _rank(headline))


def _rank(element: etree._Element) -> int:
    rank = whole_number(attribute(element, "rank"))
    return _LOWEST_RANK if rank is None else rank


def _is_kicker(headline: etree._Element, builder: ArticleBuilder) -> bool:
    """Return whether a headline is a kicker: by its role, or by its rank in the items of dpa."""
    if tail_in(headline, "role") in _KICKER_ROLES:
        return True
    return "dpa.com" in str(builder.values.get("source_id")) and _rank(headline) == _DPA_KICKER_RANK


def read_standfirst(
    content: etree._Element | None, builder: ArticleBuilder, language: str, nitf: etree._Element | None
) -> None:
    """Read the description with the best role; captions of pictures are not used."""
    found = [each for each in public_children(content, builder, "description") if line_in(each)]
    candidates = in_language([each for each in found if tail_in(each, "role") in _STANDFIRST_ROLES], language)
    chosen = min(candidates, key=lambda each: _STANDFIRST_ROLES.index(tail_in(each, "role")), default=None)
    abstract = abstract_in(nitf) if nitf is not None else None
    second = (each for each in public_children(content, builder, "headline") if tail_in(each, "role") in _SECOND_ROLES)
    if chosen is None:
        chosen = next((each for each in second if line_in(each)), None)
    if chosen is not None:
        abstract = chosen, inline_text(chosen)
    if abstract and abstract[1] != builder.values.get("headline"):
        builder.set_field("standfirst", abstract[1], place_of(abstract[0]))
    reason = "another description is used, or its role is not that of a standfirst"
    drop_all((each for each in found if each is not chosen), builder, reason)


def read_byline(
    content: etree._Element | None, builder: ArticleBuilder, language: str, nitf: etree._Element | None
) -> None:
    """Read the byline, otherwise the credit line; authors are people with an author's role or of the byline."""
    lines = in_language(
        [each for each in public_children(content, builder, "by") if is_byline(line_in(each) or "")], language
    )
    credit = next((each for each in public_children(content, builder, "creditline") if line_in(each)), None)
    inner = bylines_in(nitf) if nitf is not None else []
    if lines:
        builder.set_field("byline", inline_text(lines[0]), place_of(lines[0]))
        drop_all(lines[1:], builder, "another byline is used")
    elif inner:
        builder.set_field("byline", byline_text(inner[0]), place_of(inner[0]))
    elif credit is not None:
        builder.set_field("byline", line_in(credit), place_of(credit))
    if credit is not None and (lines or inner):
        builder.drop(place_of(credit), "the byline is used")
    _read_authors(content, builder, language)
    for byline in inner:
        for person, name in people_in(byline):
            _add_author(builder, {"name": name}, place_of(person))


def _read_authors(content: etree._Element | None, builder: ArticleBuilder, language: str) -> None:
    """Read creators and contributors: people with an author's role, and those without a role that the byline names."""
    byline = collapsed(str(builder.values.get("byline") or "")).casefold()
    for party in public_children(content, builder, "creator", "contributor"):
        name = name_in(party, language) or attribute(party, "literal")
        role = tail_in(party, "role")
        is_person = tail_in(party, "type") in ("", "person")
        is_named = not role and bool(name) and " " in (name or "") and (name or "").casefold() in byline
        if name and is_person and (role in _AUTHOR_ROLES or is_named):
            uri = attribute(party, "uri") or attribute(party, "qcode")
            _add_author(builder, {"name": name, "uri": uri}, place_of(party))
        elif name or code_of(party):
            builder.drop(place_of(party), "is no author by its role, and the byline does not name it")


def _add_author(builder: ArticleBuilder, author: dict[str, str | None], where: str) -> None:
    """Add an author once."""
    known = {collapsed(each["name"]).casefold() for each in builder.values.get("authors", [])}
    if collapsed(author["name"] or "").casefold() in known:
        builder.confirm(where)
    else:
        builder.add_entry("authors", author, where)


def read_dateline(
    content: etree._Element | None, builder: ArticleBuilder, language: str, nitf: etree._Element | None
) -> None:
    """Read the dateline, otherwise the place where the text was written.

    Reuters sends a time as dateline, and its editing office as place: neither is used.
    """
    has_time = False
    for each in public_children(content, builder, "dateline"):
        text = dateline_text(each)
        if not text and line_in(each):
            has_time = True
            builder.drop(place_of(each), "is a time; a dateline names a place")
        elif text and "dateline" not in builder.values:
            builder.set_field("dateline", text, place_of(each))
    inner = dateline_in(nitf) if nitf is not None else None
    if "dateline" not in builder.values and inner is not None and (place := dateline_text(inner)):
        builder.set_field("dateline", place, place_of(inner))
    for each in public_children(content, builder, "located"):
        name = name_in(each, language) or attribute(each, "literal")
        if name and "dateline" not in builder.values and not has_time:
            builder.set_field("dateline", name, place_of(each))
        elif name:
            builder.drop(place_of(each), "is the place of the sender's office, or a dateline is given")


def read_keywords(content: etree._Element | None, builder: ArticleBuilder) -> None:
    """Read the keywords and the slugline, which is no slug."""
    for each in public_children(content, builder, "keyword"):
        if word := line_in(each):
            builder.add_entry("keywords", word, place_of(each))
    for each in public_children(content, builder, "slugline"):
        if attribute(each, "custom"):
            drop_all((each,), builder, "is a form of the slugline for other systems")
        elif word := line_in(each):
            builder.add_entry("keywords", word, place_of(each))


def titles_of(
    item: etree._Element, content: etree._Element | None, nitf: etree._Element | None
) -> list[etree._Element | None]:
    """Return the elements that may replace a missing headline: of the text, then of the item."""
    page = next(content.iter("{*}h1"), None) if content is not None else None
    title = next(content.iter("{*}title"), None) if content is not None else None
    return [headline_in(nitf) if nitf is not None else None, page, title, find(item, "itemMeta", "title")]
