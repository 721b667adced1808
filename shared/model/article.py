"""The canonical article, the same for every format of submission.

It has no field for editors' private notes, so that a telephone number in a wire's `edNote` cannot become public by
accident. Unknown fields are ignored, because workers of an older release read stored articles in a rolling deploy. The
reader of Pressline's own JSON form refuses unknown fields.

Two types carry the body. `Article.body` is the sender's markup. `EnrichedArticle.body` is `SafeHtml`, which only the
enrich service makes; themes accept no other type.
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
# Soft hyphens and direction marks are no part of a name: two spellings of one name must be equal.
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


def _visible_name(name: str) -> str:
    return one_line(_NOT_IN_NAMES.sub("", name))


def _each_once(parts: tuple[_P, ...]) -> tuple[_P, ...]:
    """Return the parts without repetitions; the spellings of one name are already equal."""
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


# The patterns are for the schemas of the endpoint; the validators are exact.
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff"
_PRINTABLE = {"pattern": rf"^[^{_CONTROLS}]*$"}
_VISIBLE = {
    "pattern": rf"^[^{_CONTROLS}]*[0-9A-Za-z\u00c0-\u024f\u0400-\u04ff\u0900-\u097f\u4e00-\u9fff][^{_CONTROLS}]*$"
}

OneLineText = Annotated[str, AfterValidator(_one_line), Field(max_length=500, json_schema_extra=_PRINTABLE)]
"""One line of printable text in NFC; line ends and runs of ordinary spaces become one space (see `one_line`)."""
Prose = Annotated[str, AfterValidator(_one_line), Field(max_length=2_000, json_schema_extra=_PRINTABLE)]
Headline = Annotated[
    str, AfterValidator(_one_line), AfterValidator(_not_blank), Field(max_length=400, json_schema_extra=_VISIBLE)
]
PersonOrThing = Annotated[
    str,
    AfterValidator(_one_line),
    AfterValidator(_visible_name),
    AfterValidator(_not_blank),
    Field(max_length=400, json_schema_extra=_VISIBLE),
]
"""The name of an author, a topic or an entity."""
Identifier = Annotated[
    str, AfterValidator(_one_line), AfterValidator(_not_blank), Field(max_length=500, json_schema_extra=_VISIBLE)
]
WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    Field(max_length=2_000, json_schema_extra={"pattern": r"""^https?://[0-9A-Za-z._~/?#&=%+-]+$"""}),
]
Slug = Annotated[str, AfterValidator(_slug), Field(max_length=MAX_CHARS * 2)]
"""The words of an address, in any script: NFC, lower case. (Before NFC, a letter and its accents count apart.)"""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=40)]
OldAddress = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x20?#]+$", max_length=500)]
"""The path of an article's page at the newsroom's former system, decoded: `/2013/07/title/`."""
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$", max_length=35)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hex."""


class Status(StrEnum):
    """The sender's publication status of an item (`pubstatus` in ninjs)."""

    USABLE = "usable"
    WITHHELD = "withheld"
    CANCELED = "canceled"


class Direction(StrEnum):
    """The direction of the script."""

    LTR = "ltr"
    RTL = "rtl"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Author(_Part):
    """A person who worked on the article."""

    name: PersonOrThing
    role: OneLineText | None = None
    uri: Identifier | None = None


class Topic(_Part):
    """A subject of the article, from a vocabulary or in the newsroom's own words."""

    name: PersonOrThing
    uri: Identifier | None = None


class Rendition(_Part):
    """One size of a picture, in pixels."""

    media: Digest
    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]
    content_type: Literal["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]


class Picture(_Part):
    """A picture with its texts. `media` is the digest from `POST /v1/media`; without it, pages show only the texts."""

    media: Digest | None = None
    caption: Prose | None = None
    credit: OneLineText | None = None
    alt: Prose | None = None
    width: Annotated[int, Field(ge=1, le=100_000)] | None = None
    height: Annotated[int, Field(ge=1, le=100_000)] | None = None
    content_type: str | None = None
    renditions: tuple[Rendition, ...] = Field(default=(), max_length=20)


class Embed(_Part):
    """Content of another site, such as a video; pages show a box with a link."""

    url: WebAddress
    kind: OneLineText = "link"
    title: OneLineText | None = None
    provider: OneLineText | None = None


class RelatedLink(_Part):
    """Another article that the sender names as related."""

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
    """The holder and the usage terms of the article's rights."""

    holder: OneLineText | None = None
    notice: Prose | None = None
    usage_terms: Prose | None = None


class ArticleFacts(BaseModel):
    """All fields of an article except its body."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    site: Name
    source: Identifier
    source_id: Identifier
    version: Annotated[int, Field(ge=0, lt=10**10)] | None = None
    version_created: AwareDatetime | None = None
    first_created: AwareDatetime | None = None
    first_published: AwareDatetime | None = None  # dates the article, whatever its version's time
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
    body_pictures: tuple[Picture, ...] = Field(default=(), max_length=100)  # in the body; set by ingest
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
    canonical_site: Name | None = None  # of a POST to several sites: the first site, if this is another
    canonical_article: str | None = None  # its id there
    replaces: tuple[Identifier, ...] = Field(default=(), max_length=20)
    old_addresses: tuple[OldAddress, ...] = Field(default=(), max_length=20)  # paths that redirect; of an import


class Article(ArticleFacts):
    """The article as sent; its body is the sender's markup in NFC."""

    body: Annotated[str, AfterValidator(composed_markup), Field(max_length=MAX_BODY_CHARS)]


class SubHead(_Part):
    """A sub-head of the body; `anchor` is its id there."""

    level: Annotated[int, Field(ge=2, le=4)]
    text: str
    anchor: str


class EnrichedArticle(BaseModel):
    """One revision, ready for rendering: the fields, a sanitised body, and values derived from the text."""

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
