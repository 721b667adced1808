"""Sets the facts that every format has: status, version, urgency, times, language, section, body and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.private_parts import HIDDEN_REASON, without_private_parts
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.values import instant_of, tail_of, text_of, whole_number
from services.ingest.domain import prose
from services.ingest.ports import ReadingContext
from shared.model.article import Status
from shared.site.sites import Site

DISPENSABLE_FIELDS = (
    *("kicker", "standfirst", "byline", "authors", "dateline", "topics", "keywords", "entities", "picture", "pictures"),
    *("embeds", "related", "rights", "replaces", "canonical_url", "correction_note", "slug"),
)
"""Fields that are left out, with the reason, if a wire's value breaks a rule; the article is still accepted."""

BY_LINK_REASON = "links to pictures are not supported yet; upload with POST /v1/media, then send media:{digest}"

_STATUSES = {
    "usable": Status.USABLE,
    "withheld": Status.WITHHELD,
    "canceled": Status.CANCELED,
    "cancelled": Status.CANCELED,
    **dict.fromkeys(("killed", "recalled", "retracted", "deleted"), Status.CANCELED),
    **dict.fromkeys(("draft", "commissioned", "unpublished", "hold"), Status.WITHHELD),
}
KILL_WORDS = frozenset(
    {
        *("kill", "killed", "mandatorykill", "elimination", "takedown", "delete", "deleted"),
        *("cancel", "canceled", "cancelled", "withdraw"),
    }
)
"""Words of signals, instructions and editorial types that remove an article, in lower case without spaces."""

_HELD = frozenset({"draft", "commissioned", "unpublished", "hold"})
"""Statuses of an item that the sender's system does not show now."""
_MAX_VERSION = 10**10 - 1
_URGENCIES = range(1, 10)
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_MAX_TRIED_FILES = 4  # of one picture; senders upload every rendition, so the widest is nearly always there
_MEDIA_HREF = re.compile(r"^media:([0-9a-f]{64})$")


def set_status(builder: ArticleBuilder, value: object, origin: str) -> None:
    """Set the status from one of IPTC's words, with or without its vocabulary; none or an empty word sets nothing.

    An unknown word refuses the article, because it may be a kill.
    """
    if value is None or value == "":
        return
    word = tail_of(value.strip()).lower() if isinstance(value, str) else ""
    status = _STATUSES.get(word)
    if status is None:
        builder.fault(origin, "must be one of usable, withheld or canceled")
    else:
        builder.set_field("status", status, origin)
        if word in _HELD:
            builder.held_because = f"its status is {word}"


def set_version(builder: ArticleBuilder, value: object, origin: str) -> None:
    """Set the version if it is a number up to ten digits; a text cannot order revisions."""
    if value is None or value == "":
        return
    number = whole_number(value)
    if number is not None and 0 <= number <= _MAX_VERSION:
        builder.set_field("version", number, origin)
    else:
        builder.drop(origin, "is not a number up to ten digits; the article is ordered by its time alone")
        builder.warn("version is not a number")


def set_urgency(builder: ArticleBuilder, value: object, origin: str) -> None:
    """Set the urgency, 1 to 9."""
    urgency = whole_number(value)
    if urgency is not None and urgency in _URGENCIES:
        builder.set_field("urgency", urgency, origin)
    elif value is not None and value != "":
        builder.drop(origin, "is not a number from 1 to 9")


def set_instant(builder: ArticleBuilder, field: str, value: object, origin: str, *, zone: str | None = None) -> None:
    """Set a time; an unreadable one refuses the article, but a removal is accepted without it.

    `zone`: of times without one, such as `Europe/Brussels`; None: such a time is a fault.
    """
    instant = find_instant(builder, value, origin, zone=zone)
    if instant is not None:
        builder.set_field(field, instant, origin)


def find_instant(builder: ArticleBuilder, value: object, origin: str, *, zone: str | None = None) -> datetime | None:
    """Return a time, or None if there is none; the rules are those of `set_instant`."""
    try:
        return instant_of(value, ZoneInfo(zone) if zone else None)
    except ValueError as error:
        if builder.is_removal:
            builder.drop(origin, f"{error}; the removal is accepted without it")
        else:
            builder.fault(origin, str(error))
    return None


def set_local_instant(builder: ArticleBuilder, field: str, value: object, origin: str, context: ReadingContext) -> None:
    """Set a time whose sender may leave out the zone: the feed's zone is used, otherwise the site's, with a warning.

    An embargo needs a known zone, so that no article is published too early: without the feed's zone it is a fault.
    """
    zone = context.feed.zone
    instant = _without_zone(value)
    if instant is None or zone is not None:
        set_instant(builder, field, value, origin, zone=zone)
    elif field != "embargo_until":
        set_instant(builder, field, value, origin, zone=context.site.zone)
        builder.warn(f"{origin} has no zone; {context.site.zone} is assumed: set zone in the feed's settings")
    elif builder.is_removal:
        builder.drop(origin, "has no zone; the removal is accepted without it")
    else:
        builder.fault(origin, "has no zone; send one, or set zone in the feed's settings")


def set_first_published(builder: ArticleBuilder, value: object, origin: str, received_at: datetime) -> None:
    """Set the date of publication at the sender's; one in the future, or an unreadable one, is left out."""
    try:
        instant = instant_of(value)
    except ValueError as error:
        builder.drop(origin, str(error))
        return
    if instant is not None and instant > received_at:
        builder.drop(origin, "is in the future")
    elif instant is not None:
        builder.set_field("first_published", instant, origin)


def _without_zone(value: object) -> datetime | None:
    """Return a readable date-time that has no zone, otherwise None."""
    try:
        instant_of(value)
    except ValueError:
        with suppress(ValueError):
            return instant_of(value, UTC)
    return None


def set_language(builder: ArticleBuilder, value: object, origin: str) -> None:
    """Set the language from a tag such as `en` or `pt_BR`; otherwise use the default of the feed or site."""
    language = (text_of(value) or "").replace("_", "-")
    if language and language.lower() != "und" and _LANGUAGE.match(language[:35]):
        builder.set_field("language", language, origin)
        return
    if language:
        builder.drop(origin, "is not a language tag, such as en or pt-BR")
    builder.default_language()


def find_section(site: Site, words: Iterable[str | None]) -> str | None:
    """Return the id of the first section that a word names: by its id or name, or as the tail of a URI or qcode."""
    by_word = {section.name.casefold(): section.id for section in site.sections}
    by_word |= {section.id: section.id for section in site.sections}
    for word in words:
        for form in (word, tail_of(word)) if word else ():
            if form.strip().casefold() in by_word:
                return by_word[form.strip().casefold()]
    return None


def set_body(builder: ArticleBuilder, text: str, origin: str, *, is_html: bool) -> None:
    """Set the body from HTML, or from plain text as paragraphs; control characters are removed, with a warning.

    A text declared as HTML that has no tags is plain text. Parts that readers may not see are left out.
    """
    markup = prose.without_controls(text)
    if len(markup) != len(text):
        builder.warn("control characters were removed from the body")
    if not is_html:
        markup = prose.paragraphs(markup)
    elif not prose.has_tags(markup):
        builder.warn("the body is declared as HTML and has no tags; its lines became paragraphs")
        markup = prose.paragraphs(prose.unescaped(markup))
    markup, private = without_private_parts(markup)
    builder.set_field("body", markup, origin)
    for name, hidden in private:
        builder.drop(f"{origin}//{name}", HIDDEN_REASON if hidden else NOTE_REASON)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file of a picture. `where` points to its address in the document; `width` in pixels, 0: unknown.

    `asset`: the sender's id of the file, if the sender uploads files before the item (Superdesk).
    """

    where: str
    href: str
    width: int = 0
    asset: str = ""


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture as the sender described it; texts are plain. `where` points to it in the document."""

    where: str
    files: Sequence[PictureFile] = ()
    caption: str | None = None
    credit: str | None = None
    alt: str | None = None
    is_lead: bool = False


def set_pictures(builder: ArticleBuilder, pictures: Sequence[SentPicture]) -> None:
    """Set the lead picture (the first with `is_lead`, otherwise the first) and the further pictures."""
    lead = next((each for each in pictures if each.is_lead), pictures[0] if pictures else None)
    for each in pictures:
        values: dict[str, Any] = {"caption": each.caption, "credit": each.credit, "alt": each.alt}
        values |= _uploaded_file(builder, each.files)
        if not any(values.values()):
            builder.drop(each.where, "has neither a picture nor a text")
        elif each is lead:
            builder.set_field("picture", values, each.where)
        else:
            builder.add_entry("pictures", values, each.where)


def find_upload(builder: ArticleBuilder, files: Sequence[PictureFile]) -> tuple[PictureFile, str] | None:
    """Return the widest uploaded file and its digest, or None.

    The address names an uploaded file, otherwise the sender's id does. At most four ids are looked up.
    """
    tried = 0
    for file in _by_width(files):
        if found := _MEDIA_HREF.match(file.href):
            return file, found[1]
        if file.asset and tried < _MAX_TRIED_FILES:
            tried += 1
            if digest := builder.find_asset(file.asset):
                return file, digest
    return None


def _by_width(files: Sequence[PictureFile]) -> list[PictureFile]:
    return sorted(files, key=lambda each: -each.width)


def _uploaded_file(builder: ArticleBuilder, files: Sequence[PictureFile]) -> dict[str, Any]:
    """Return the digest of the widest uploaded file; without one, the files are reported as left out."""
    found = find_upload(builder, files)
    is_narrower = False
    for file in _by_width(files):
        if found is not None and file is found[0]:
            is_narrower = True
        else:
            is_uploaded = _MEDIA_HREF.match(file.href) or (is_narrower and file.asset)
            builder.drop(file.where, "the largest rendition is used" if is_uploaded else BY_LINK_REASON)
    if found is None:
        return {}
    builder.confirm(found[0].where)
    return {"media": found[1]}
