"""A post of WordPress as any of its forms states it: the export, the REST interface or a hook's body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ingest.adapters.readers.facts import SentPicture


@dataclass(frozen=True, slots=True)
class Sent:
    """A text and the pointer to its place; the text is empty if the sender left it out."""

    text: str = ""
    origin: str = ""

    def __bool__(self) -> bool:
        """Return whether there is a text."""
        return bool(self.text)


NOTHING = Sent()


@dataclass(frozen=True, slots=True)
class Times:
    """The times as sent: `*_gmt` in UTC, the others in the zone of the sender's site; `pub_date` is RSS's."""

    date_gmt: Sent = NOTHING
    date: Sent = NOTHING
    modified_gmt: Sent = NOTHING
    modified: Sent = NOTHING
    pub_date: Sent = NOTHING


@dataclass(frozen=True, slots=True)
class Term:
    """A category, a tag or a term of another taxonomy."""

    taxonomy: str
    name: str
    slug: str
    origin: str


@dataclass(frozen=True, slots=True)
class Post:
    """A post. `title`, `excerpt` and `content` are HTML; `is_rendered`: the site has resolved its shortcodes.

    `number` is the id within the site, `guid` the id for the world. `kind` is the post type. `attachments` are the
    pictures of the document by number, `own_attachments` the numbers of those that were uploaded to this post.
    `is_copy`: an earlier item has the same guid. `restriction`: the custom field that marks it for members only.
    """

    origin: str
    number: str = ""
    guid: Sent = NOTHING
    is_copy: bool = False
    kind: str = "post"
    status: Sent = NOTHING
    is_locked: bool = False
    restriction: str = ""
    title: Sent = NOTHING
    content: Sent = NOTHING
    is_rendered: bool = False
    excerpt: Sent = NOTHING
    slug: Sent = NOTHING
    link: Sent = NOTHING
    is_link_old: bool = False
    canonical: Sent = NOTHING
    language: Sent = NOTHING
    times: Times = Times()
    authors: tuple[Sent, ...] = ()
    terms: tuple[Term, ...] = ()
    sticky: Sent = NOTHING
    thumbnail: SentPicture | None = None
    attachments: Mapping[str, SentPicture] = field(default_factory=dict)
    own_attachments: tuple[str, ...] = ()
    unused: tuple[tuple[str, str], ...] = ()  # (pointer, reason) of parts that are left out
