"""The canonical article: what a reader may come to see, whatever format it arrived in.

There is no field for editors' private notes, so that a telephone number in a wire's `edNote` cannot ride along by
accident: readers of formats have nowhere to put it. Fields of tomorrow are ignored, since articles are stored and a
rolling deploy reads them with yesterday's code; the reader of our own JSON form refuses them.

Two types carry the body. `Article.body` is markup as the sender wrote it, kept for the record. `EnrichedArticle.body`
is `SafeHtml`, which only the enrich service makes; themes take nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Annotated, Literal, NewType, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.model.slug import MAX_BYTES, MAX_CHARS, is_slug
from shared.model.text import composed_markup, one_line

_P = TypeVar("_P")

SafeHtml = NewType("SafeHtml", str)
"""Sanitised HTML. Made by `services.enrich` only; a type checker refuses any other string."""

MAX_BODY_CHARS = 500_000

# C0 and C1 controls, the bidirectional overrides that can make a headline read backwards, and code points that XML or
# UTF-8 cannot carry.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
# Soft hyphens and marks of direction say nothing of a name; two spellings of one name must be equal.
_NOT_IN_NAMES = re.compile("[\u00ad\u200e\u200f\u061c]")
_UNSAFE_SCHEME = re.compile(r"^(?!https?://[^\s<>\"'\\]+$)", re.IGNORECASE)


def _one_line(text: str) -> str:
    if found := _UNPRINTABLE.search(text):
        raise ValueError(f"holds the control character U+{ord(found.group()):04X}; send printable text")
    return one_line(text)


def _not_blank(text: str) -> str:
    if not text:
        raise ValueError("is empty or has no visible character")
    return text


def _without_unseen(name: str) -> str:
    return one_line(_NOT_IN_NAMES.sub("", name))


def _each_once(parts: tuple[_P, ...]) -> tuple[_P, ...]:
    """Return the parts without repetitions; two spellings of one name are equal by now."""
    return tuple(dict.fromkeys(parts))


def _web_address(url: str) -> str:
    if _UNSAFE_SCHEME.match(url) or _UNPRINTABLE.search(url):
        raise ValueError("is not an http or https address")
    return url


def _slug(text: str) -> str:
    slug = unicodedata.normalize("NFC", text)
    if not is_slug(slug):
        raise ValueError(
            "must be lower-case letters and digits of any script, joined by single hyphens, such as talks-in-geneva;"
            f" at most {MAX_CHARS} characters and {MAX_BYTES} bytes"
        )
    return slug


OneLineText = Annotated[str, AfterValidator(_one_line), Field(max_length=500)]
"""One line of printable text in NFC; line ends and runs of ordinary spaces become one space (see `one_line`)."""
Prose = Annotated[str, AfterValidator(_one_line), Field(max_length=2_000)]
Headline = Annotated[str, AfterValidator(_one_line), AfterValidator(_not_blank), Field(max_length=400)]
PersonOrThing = Annotated[
    str, AfterValidator(_one_line), AfterValidator(_without_unseen), AfterValidator(_not_blank), Field(max_length=400)
]
"""The name of an author, a topic or an entity."""
Identifier = Annotated[str, AfterValidator(_one_line), AfterValidator(_not_blank), Field(max_length=500)]
WebAddress = Annotated[str, AfterValidator(_web_address), Field(max_length=2_000)]
Slug = Annotated[str, AfterValidator(_slug), Field(max_length=MAX_CHARS * 2)]
"""The words of an address, in any script: NFC, lower case. (Before NFC, a letter and its accents count apart.)"""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=40)]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$", max_length=35)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hex."""


class Status(StrEnum):
    """What the sender says of an item (ninjs' words)."""

    USABLE = "usable"
    WITHHELD = "withheld"
    CANCELED = "canceled"


class Direction(StrEnum):
    """Which way the script runs."""

    LTR = "ltr"
    RTL = "rtl"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Author(_Part):
    """One of the people who made the article."""

    name: PersonOrThing
    role: OneLineText | None = None
    uri: Identifier | None = None


class Topic(_Part):
    """What the article is about, from a vocabulary or in the newsroom's words."""

    name: PersonOrThing
    uri: Identifier | None = None


class Rendition(_Part):
    """One size of a picture, in pixels."""

    media: Digest
    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]
    content_type: Literal["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]


class Picture(_Part):
    """A picture and its words. `media` is the digest that `POST /v1/media` answered; without it only the words show."""

    media: Digest | None = None
    caption: Prose | None = None
    credit: OneLineText | None = None
    alt: Prose | None = None
    width: Annotated[int, Field(ge=1, le=100_000)] | None = None
    height: Annotated[int, Field(ge=1, le=100_000)] | None = None
    content_type: str | None = None
    renditions: tuple[Rendition, ...] = Field(default=(), max_length=20)


class Embed(_Part):
    """Something shown from elsewhere; pages show a box that leads to it."""

    url: WebAddress
    kind: OneLineText = "link"
    title: OneLineText | None = None
    provider: OneLineText | None = None


class RelatedLink(_Part):
    """Another article that the sender ties to this one."""

    source_id: Identifier | None = None
    url: WebAddress | None = None
    title: OneLineText | None = None
    relation: OneLineText | None = None


class Entity(_Part):
    """A person, place or organisation named in the text."""

    name: PersonOrThing
    kind: Literal["person", "place", "organisation", "event", "other"] = "other"
    uri: Identifier | None = None


class Rights(_Part):
    """Whose it is, and what may be done with it."""

    holder: OneLineText | None = None
    notice: Prose | None = None
    usage_terms: Prose | None = None


class ArticleFacts(BaseModel):
    """Everything that is said about an article, but for its body."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    site: Name
    source: Identifier
    source_id: Identifier
    version: Annotated[int, Field(ge=0, lt=10**10)] | None = None
    version_created: AwareDatetime | None = None
    first_created: AwareDatetime | None = None
    status: Status = Status.USABLE

    headline: Headline
    kicker: OneLineText | None = None
    standfirst: Prose | None = None
    byline: OneLineText | None = None
    authors: Annotated[tuple[Author, ...], AfterValidator(_each_once)] = Field(default=(), max_length=50)
    dateline: OneLineText | None = None
    section: Name
    topics: Annotated[tuple[Topic, ...], AfterValidator(_each_once)] = Field(default=(), max_length=100)
    keywords: Annotated[tuple[OneLineText, ...], AfterValidator(_each_once)] = Field(default=(), max_length=100)
    entities: Annotated[tuple[Entity, ...], AfterValidator(_each_once)] = Field(default=(), max_length=200)
    slug: Slug | None = None

    picture: Picture | None = None
    pictures: tuple[Picture, ...] = Field(default=(), max_length=100)
    body_pictures: tuple[Picture, ...] = Field(default=(), max_length=100)  # those that the body names; set by ingest
    embeds: tuple[Embed, ...] = Field(default=(), max_length=100)
    related: tuple[RelatedLink, ...] = Field(default=(), max_length=100)

    language: LanguageTag
    direction: Direction | None = None
    urgency: Annotated[int, Field(ge=1, le=9)] = 5
    embargo_until: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    correction_note: Prose | None = None
    rights: Rights | None = None
    canonical_url: WebAddress | None = None
    canonical_site: Name | None = None  # one article posted to several sites: the first named, where this is another
    canonical_article: str | None = None  # its id there
    replaces: tuple[Identifier, ...] = Field(default=(), max_length=20)


class Article(ArticleFacts):
    """The article as its sender meant it, its body as it came but in NFC."""

    body: Annotated[str, AfterValidator(composed_markup), Field(max_length=MAX_BODY_CHARS)]


class SubHead(_Part):
    """An entry of the table of sub-heads; `anchor` is the id in the body."""

    level: Annotated[int, Field(ge=2, le=4)]
    text: str
    anchor: str


class EnrichedArticle(BaseModel):
    """One revision made ready for a page: the facts, a body that is safe to show, and what the text did not say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    article: str
    revision: str
    enricher: str
    facts: ArticleFacts
    body: SafeHtml
    text: str
    description: str
    direction: Direction
    word_count: int
    reading_minutes: int
    outline: tuple[SubHead, ...] = ()
    warnings: tuple[str, ...] = ()
