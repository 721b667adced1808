"""What the services say to each other. Events carry ids, not documents, and are hints: losing one only delays.

A message is a promise to a rolling deploy. Fields are added with a default and never renamed; unknown ones are
ignored. `tests/contract/messages/` holds a golden file of every version.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, TypedDict, runtime_checkable
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.card import Card


class Lane(StrEnum):
    """Which queue of a service a message waits in; workers empty them in this order."""

    URGENT = "urgent"
    LIVE = "live"
    BULK = "bulk"


class Message(BaseModel):
    """Envelope. Unknown fields are ignored, so that old workers survive a rolling deploy."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message_id: UUID
    causation_id: UUID | None = None  # the message that led to this one
    trace_parent: str | None = None  # W3C Trace Context
    lane: Lane = Lane.LIVE
    begun_at: AwareDatetime | None = None  # when its chain began (UTC); what follows it says the same
    schema_version: Literal[1] = 1


class SubmitArticle(Message):
    """Read these raw bytes and accept what they hold."""

    site: str
    receipt: str
    raw_key: str
    content_type: str | None = None
    feed: str = ""  # the sender's feed; empty: the site's first
    received_at: AwareDatetime
    can_take_down: bool = False  # the sender's token has the scope `takedown`
    canonical_site: str | None = None  # posted to several sites: the one whose article the others' are copies of


class ArticleAccepted(Message):
    """This article has moved to at least this revision."""

    site: str
    article: str
    revision: str


class ArticleEnriched(Message):
    """The enriched object of this revision, made by this version of the enricher, is in the content bucket."""

    site: str
    article: str
    revision: str
    enricher: str


class ArticleRemoved(Message):
    """This article's latest revision takes it down; `revision` is the one that says so.

    A withdrawal comes twice: the second time it waits until the listings (by their `changed` number) show it no more.
    """

    site: str
    article: str
    revision: str
    unlisted_at: AwareDatetime | None = None
    waits_for: dict[str, int] = Field(default_factory=dict)


class Attachment(BaseModel):
    """A file that has to be public before the page that shows it: copied from the content bucket."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source_key: str
    path: str
    content_type: str
    is_immutable: bool = False


class Placeholder(BaseModel):
    """A listing's page with nothing in it, to be put before a page that leads there, where none is. Packed as pages."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    listing: str
    path: str
    content: str


class PageRendered(Message):
    """The bytes of one page, and what they were made from.

    `content` is the page compressed with zlib, in base64, up to 256 KB; a larger one lies under `content_key`.
    An article's page names its article and revision and brings its card; a listing names itself. `changed`: the number
    that the index had for the page when it was made.
    """

    site: str
    path: str
    order: str
    sha256: str
    content: str | None = None
    content_key: str | None = None
    content_type: str = "text/html; charset=utf-8"
    surrogate_keys: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    theme: str
    article: str | None = None
    revision: str | None = None
    former: tuple[str, ...] = ()  # the article's other addresses, where readers are sent on
    revisions_seen: int = 0  # how many of the article's revisions were known when it was rendered
    card: Card | None = None
    expires_at: AwareDatetime | None = None  # a publisher that comes later puts nothing
    listing: str | None = None
    changed: int = 0
    shows: dict[str, str] = Field(default_factory=dict)  # whose cards an article's page shows, and the digest of each
    made_by: str = ""  # the process that rendered it, and the message that made it do so
    made_for: str = ""
    made_at: AwareDatetime | None = None
    inputs: str = ""  # what it was made from, in a word or two each: `revisions=3 enricher=…`
    is_absent: bool = False  # a listing of nothing: no page is to be there
    is_hollow: bool = False  # a listing of nothing that stands empty, for some page may lead there still
    placeholders: tuple[Placeholder, ...] = ()  # listings that the page leads to and that nobody has put


class ArticlePublished(Message):
    """The article's own page is live: it may enter the listings."""

    site: str
    article: str
    revision: str


class ListingStale(Message):
    """This listing shows less than the index knows; `changed` is the number that the index had then."""

    site: str
    listing: str
    changed: int = 0


@runtime_checkable
class Bundle(Protocol):
    """A message in which others travel together, in bulk: a hop costs more than most listings do."""

    def parts(self) -> tuple[Message, ...]:
        """Return them, each to go on its own."""
        ...


class ListingsStale(Message):
    """These listings show less than the index knows: by name, with the number that the index had for each."""

    site: str
    listings: dict[str, int]

    def parts(self) -> tuple[ListingStale, ...]:
        """Return a message for each."""
        return tuple(
            ListingStale(**follow_up(self, f"listing:{name}"), site=self.site, listing=name, changed=changed)
            for name, changed in self.listings.items()
        )


class ListingsRendered(Message):
    """The pages of several listings."""

    site: str
    pages: tuple[PageRendered, ...]

    def parts(self) -> tuple[PageRendered, ...]:
        """Return a message for each."""
        return self.pages


class MendPath(Message):
    """Look at this path of the public bucket: what is there, or is not there, is not as it should be.

    `article` is whose page or picture it should be, where anybody's.
    """

    site: str
    path: str
    article: str | None = None


class RebuildPages(Message):
    """Render the pages of these articles again: of those named, else of those behind `after`, up to and with `upto`.

    One piece of a run of `pressline rebuild`; the filters leave out what is not meant. On `trial` the pages are made
    with the theme that waits under this key of the content bucket, are put beside it and go nowhere else.
    A piece of no run (`run` is empty) names articles whose pages are behind: nobody counts it, and their turns end.
    What is to be known of its articles may lie together on a `shelf` (empty: each is read for itself).
    """

    site: str
    run: str
    number: int  # of the piece
    articles: tuple[str, ...] = ()
    after: str = ""
    upto: str
    section: str | None = None
    since: AwareDatetime | None = None  # published then or later
    is_by_theme: bool = False  # only pages that another version of the theme made
    trial: str | None = None
    shelf: str = ""


class PagesRendered(Message):
    """The pages of one piece; they lie together under `content_key` (none: there are none).

    Of a piece of no run (`run` is empty) the publisher clears them away when all is done.
    """

    site: str
    run: str
    number: int
    after: str
    upto: str
    content_key: str | None = None
    skipped: int = 0  # articles that are not live or not meant
    handed_over: int = 0  # articles that went the ordinary way instead
    unrendered: int = 0  # of those handed over: could not be rendered
    shelf: str = ""  # where its articles' records lie together, or are to lie from now on


class KeepTexts(Message):
    """Lay together what these articles say, neighbours that belong on one shelf: nothing is rendered."""

    site: str
    shelf: str
    articles: tuple[str, ...]


class KeepRecords(Message):
    """Lay together what is recorded of these articles, as far as they are live and rest."""

    site: str
    shelf: str
    articles: tuple[str, ...]


class Envelope(TypedDict):
    """What a message inherits from its cause."""

    message_id: UUID
    causation_id: UUID | None
    trace_parent: str | None
    lane: Lane
    begun_at: datetime | None


def follow_up(cause: Message, name: str, lane: Lane | None = None) -> Envelope:
    """Return the envelope of a follow-up, in its cause's lane unless another is named.

    The same cause and name lead to the same id, so that a repetition can be told.
    """
    return Envelope(
        message_id=uuid5(cause.message_id, name),
        causation_id=cause.message_id,
        trace_parent=cause.trace_parent,
        lane=lane or cause.lane,
        begun_at=cause.begun_at,
    )
