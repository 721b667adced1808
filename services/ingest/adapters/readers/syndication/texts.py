"""Headline, standfirst and body of an entry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import set_body
from services.ingest.adapters.readers.syndication.bodies import Body, decoded_markup, prepared, without_software_note
from services.ingest.adapters.readers.syndication.entry import SentEntry, Text
from services.ingest.adapters.readers.syndication.titles import headline_of
from services.ingest.adapters.readers.trees import letters_of
from services.ingest.domain import prose
from shared.model.text import collapsed, cut_text, is_visible

_MAX_HEADLINE_CHARS = 110
_SENTENCE_END = re.compile(r"(?<=[.!?\u0964\u3002\uff1f\uff01])\s")
_CUT_MARK = re.compile(r"(?:\[?(?:…|\.\.\.)\]?|(?:continue reading|read more)[^.]{0,60}|[»>]+)\s*$", re.IGNORECASE)
_MAX_END_CHARS = 100
_TAG_PAIR = re.compile(r"</(?:p|div|a|em|strong|ul|h[1-6]|blockquote|figure)\s*>", re.IGNORECASE)
_MIN_CUT_CHARS = 20


@dataclass(frozen=True, slots=True)
class Texts:
    """The number of words of an entry's text, and whether its body has pictures or players."""

    words: int
    has_media: bool


def read_texts(builder: ArticleBuilder, entry: SentEntry) -> Texts:
    """Set headline, standfirst and body.

    The body is the first content with a text, otherwise the summary. A summary beside a content is the standfirst,
    unless the content begins with it.
    """
    home = entry.links[0].value if entry.links else ""
    builder.expect("body", entry.where)
    builder.expect("headline", entry.where)
    body, chosen = _choose(builder, [*entry.contents, *entry.summaries], home)
    if chosen and body:
        _set_body(builder, chosen, body)
        if chosen in entry.summaries and not builder.is_removal:
            builder.warn("the entry has only a summary; it is the text of the article")
    summaries = [each for each in entry.summaries if each is not chosen]
    _set_standfirst(builder, summaries, body.text if body else "")
    _set_headline(builder, entry, body.text if body else "")
    return Texts(body.words if body else 0, bool(body and (body.pictures or body.players)))


def _choose(builder: ArticleBuilder, texts: Sequence[Text], home: str) -> tuple[Body | None, Text | None]:
    """Return the first text with words, otherwise the first with a picture or player."""
    fallback: tuple[Body | None, Text | None] = None, None
    for text in texts:
        markup, was_escaped = decoded_markup(text.value)
        if was_escaped:
            builder.warn(f"the markup was escaped twice: {text.where}")
        is_html = text.is_html or was_escaped or _is_mislabelled(text.value)
        body = prepared(markup, text.base, home) if is_html else Body(markup, markup.strip(), is_html=False)
        if is_visible(body.text):
            return body, text
        if fallback[0] is None and (body.pictures or body.players):
            fallback = body, text
    return fallback


def _is_mislabelled(text: str) -> bool:
    """Return whether a text that is declared as plain has HTML's tags in pairs."""
    return _TAG_PAIR.search(text[:10_000]) is not None


def _set_body(builder: ArticleBuilder, text: Text, body: Body) -> None:
    if body.is_html and not text.is_html:
        builder.warn(f"the text is declared as plain and has tags; it was read as HTML: {text.where}")
    if body.is_html and not prose.has_tags(body.markup):
        set_body(builder, prose.unescaped(body.markup), text.where, is_html=False)
    else:
        set_body(builder, body.markup, text.where, is_html=body.is_html)
    for reason in body.left_out:
        builder.drop(f"{text.where}/text()", reason)


def _set_standfirst(builder: ArticleBuilder, summaries: Sequence[Text], body: str) -> None:
    for text in summaries:
        line = _plain(text)
        if "standfirst" in builder.values:
            builder.drop(text.where, "another summary is used")
        elif not is_visible(line):
            builder.drop(text.where, "has no text")
        elif _begins_with(body, line):
            builder.drop(text.where, "repeats the beginning of the text")
        else:
            builder.set_field("standfirst", line, text.where)


def _plain(text: Text) -> str:
    markup, was_escaped = decoded_markup(text.value[:10_000])
    is_html = text.is_html or was_escaped or _is_mislabelled(markup)
    line = prose.plain(markup) if is_html else collapsed(markup).strip()
    return without_software_note(line)


def _begins_with(body: str, summary: str) -> bool:
    """Return whether the summary is the beginning of the body, whole or cut."""
    start = summary
    for _ in range(2):  # such as `… Read more`
        start = start[:-_MAX_END_CHARS] + _CUT_MARK.sub("", start[-_MAX_END_CHARS:]).rstrip()
    if len(start) < _MIN_CUT_CHARS:
        return letters_of(body) == letters_of(summary)
    return letters_of(body[: 2 * len(start) + 200]).startswith(letters_of(start))


def _set_headline(builder: ArticleBuilder, entry: SentEntry, body: str) -> None:
    """Set the headline from the title; an entry without one gets the beginning of its text."""
    title = headline_of(entry.title.value) if entry.title else ""
    if entry.title and is_visible(title):
        builder.set_field("headline", title, entry.title.where)
    elif is_visible(body) and not builder.is_removal:
        sentence = _SENTENCE_END.split(collapsed(body).strip()[:1_000], maxsplit=1)[0]
        builder.set_field("headline", cut_text(sentence, _MAX_HEADLINE_CHARS), entry.where)
        builder.warn("the entry has no title; the headline is the beginning of its text")
