"""What a listing shows of an article, and what the public bucket holds of it."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.model.article import Direction


class CardPicture(BaseModel):
    """A public picture: `path` in the public bucket, size in pixels."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    width: int
    height: int
    alt: str = ""


class Card(BaseModel):
    """What a listing shows of an article. `path` is its page's key in the public bucket."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    article: str
    path: str
    headline: str
    kicker: str | None = None
    standfirst: str | None = None
    byline: str | None = None
    section: str
    topics: tuple[str, ...] = ()
    topic_pages: tuple[
        str, ...
    ] = ()  # what the page of each is called, in the order of `topics`; see shared/site/memberships.py
    authors: tuple[str, ...] = ()
    author_pages: tuple[str, ...] = ()
    contributors: tuple[str, ...] = ()  # those of `authors` who did not write: photographers, editors
    keywords: tuple[str, ...] = ()
    urgency: int = 5
    language: str = "en"
    direction: Direction = Direction.LTR
    created_at: AwareDatetime  # the publication date: listings sort by it, and its day has the article
    updated_at: AwareDatetime | None = None  # the last change of text or pictures that readers see
    picture: CardPicture | None = None
    is_canonical: bool = True  # its page says that it lives here: sitemaps name no other
