"""Makes articles of the entries of a feed; the rules are the same for RSS, Atom and JSON Feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from services.ingest.adapters.readers.addresses import is_web_address
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import DISPENSABLE_FIELDS, set_language, set_pictures
from services.ingest.adapters.readers.syndication.entry import Part, SentEntry, State
from services.ingest.adapters.readers.syndication.people import set_people
from services.ingest.adapters.readers.syndication.subjects import set_section_and_keywords
from services.ingest.adapters.readers.syndication.texts import read_texts
from services.ingest.adapters.readers.syndication.times import find_unreadable_date, set_times
from services.ingest.adapters.readers.syndication.titles import headline_of
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Entry, ReadingContext
from shared.model.article import Status

MAX_LINE_WORDS = 20  # a player with no more text than this is no article
_MAX_PLAYERS, _MAX_PICTURES = 50, 101


def read_entries(entries: Iterable[SentEntry], format_name: str, context: ReadingContext) -> list[Entry]:
    """Return an article, or an item that is set aside, for each entry.

    Raises:
        RefusedError: no entry, too many entries, or the only entry is no valid article.
    """
    parts = list(entries)
    ambiguous = ambiguous_ids(parts)
    return read_each(
        parts,
        lambda entry: _article_of(entry, format_name, context, ambiguous),
        lambda entry: entry.name,
        format_name,
    )


def ambiguous_ids(entries: Sequence[SentEntry]) -> frozenset[str]:
    """Return the ids that entries with different links share; some feeds write one constant into all entries."""
    links: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.id and entry.links:
            links[entry.id.value].add(entry.links[0].value)
    return frozenset(name for name, found in links.items() if len(found) > 1)


def _article_of(entry: SentEntry, format_name: str, context: ReadingContext, ambiguous: frozenset[str]) -> Entry:
    builder = ArticleBuilder(format_name, context)
    for part in entry.dropped:
        builder.drop(part.where, part.value)
    for where in entry.confirmed:
        builder.confirm(where)
    for warning in entry.warnings:
        builder.warn(warning)
    _set_identity(builder, entry, ambiguous)
    if builder.faults:
        raise unacceptable(builder.faults)
    if entry.state is not None:
        builder.set_field("status", Status.WITHHELD, entry.state.where)
    zone = ZoneInfo(context.site.zone)
    set_times(builder, entry, zone, context.received_at)
    if entry.state is not None and entry.state.kind == "held":
        return _held(builder, entry, entry.state)
    if entry.state is None and (date := find_unreadable_date(entry, zone, context.received_at)) is not None:
        why = f"the date of publication cannot be read and may be in the future: {date.where}"
        return builder.set_aside("held", why, entry.name)
    texts = read_texts(builder, entry)
    if reason := _media_reason(entry, texts.words, has_media=texts.has_media) if not builder.is_removal else None:
        return builder.set_aside("media", reason, entry.name)
    if "body" not in builder.values and not builder.is_removal:
        raise unacceptable([*builder.faults, Fault(entry.where, "has neither a text nor a summary; a page needs one")])
    set_people(builder, entry.people)
    set_section_and_keywords(builder, entry, context.site)
    set_language(builder, entry.language.value if entry.language else None, _where(entry.language))
    _set_lines(builder, entry)
    _set_media(builder, entry)
    held_because = entry.state.reason if entry.state is not None and entry.state.kind == "private" else ""
    return builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)


def _held(builder: ArticleBuilder, entry: SentEntry, state: State) -> Entry:
    """Return the entry's article as withheld, because a page may exist; without a date the entry is set aside."""
    if "version_created" not in builder.values:
        return builder.set_aside("held", state.reason, entry.name)
    builder.values.pop("embargo_until", None)
    return builder.finish(held_because=state.reason, dispensable=DISPENSABLE_FIELDS)


def _set_media(builder: ArticleBuilder, entry: SentEntry) -> None:
    """Set the pictures, and the players as embeds."""
    set_pictures(builder, entry.pictures[:_MAX_PICTURES])
    for player in entry.players[:_MAX_PLAYERS]:
        if is_web_address(player.url):
            embed = {"url": player.url, "kind": player.kind, "title": player.title}
            builder.add_entry("embeds", embed, player.where)
        else:
            builder.drop(player.where, "has no web address")


def _set_lines(builder: ArticleBuilder, entry: SentEntry) -> None:
    """Set rights, dateline and the note on a correction."""
    lines = {"holder": entry.holder, "notice": entry.rights, "usage_terms": entry.usage_terms}
    rights = {name: part for name, part in lines.items() if part}
    if rights:
        values = {name: headline_of(part.value) for name, part in rights.items()}
        builder.set_field("rights", values, next(iter(rights.values())).where)
        for name, part in rights.items():
            builder.note_origin(f"/rights/{name}", part.where)
    for field, line in (("dateline", entry.dateline), ("correction_note", entry.correction)):
        if line:
            builder.set_field(field, line.value, line.where)


def _set_identity(builder: ArticleBuilder, entry: SentEntry, ambiguous: frozenset[str]) -> None:
    """Set the id: the entry's own, otherwise its link. An id that entries with other links share is no id."""
    link = next(iter(entry.links), None)
    given = entry.id
    builder.expect("source_id", f"{entry.where}/link")
    if given and link and given.value in ambiguous:
        builder.drop(given.where, "is the id of several entries with different links; the link is used instead")
        builder.warn("the id is the id of several entries with different links; the link identifies the article")
        given = None
    if given:
        builder.set_field("source_id", given.value, given.where)
    elif link:
        builder.set_field("source_id", link.value, link.where)
    else:
        builder.fault(entry.where, "has neither an id nor a link; one of them must identify the article")
    _set_canonical_url(builder, entry)


def _set_canonical_url(builder: ArticleBuilder, entry: SentEntry) -> None:
    candidates = [*entry.links, *([entry.id] if entry.id and not entry.links else [])]
    for link in candidates:
        if not is_web_address(link.value):
            if link is not entry.id and builder.values.get("source_id") != link.value:
                builder.drop(link.where, "is not a web address")
        elif "canonical_url" in builder.values:
            builder.drop(link.where, "another link is used")
        else:
            builder.set_field("canonical_url", link.value, link.where)


def _media_reason(entry: SentEntry, words: int, *, has_media: bool) -> str | None:
    """Return the reason why an entry is no article but sound, video or a picture; None for an article."""
    is_line = words <= MAX_LINE_WORDS
    enclosure = next((each for each in entry.players if each.is_enclosure), None)
    if is_line and enclosure is not None:
        return f"the entry is {enclosure.kind} with a text of {words} words; an article has more than {MAX_LINE_WORDS}"
    if words == 0 and entry.players:
        return f"the entry is {entry.players[0].kind} without a text"
    if words == 0 and (has_media or entry.pictures):
        return "the entry has pictures or players and no text"
    return None


def _where(part: Part | None) -> str:
    return part.where if part else ""
