"""The card: an article's view in a listing."""

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
    """An article's view in a listing. `path` is the key of its page in the public bucket."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    article: str
    path: str
    headline: str
    kicker: str | None = None
    standfirst: str | None = None
    byline: str | None = None
    section: str
    topics: tuple[str, ...] = ()
    topic_pages: tuple[str, ...] = ()  # the name of each topic's page, in the order of `topics`; two may share a page
    authors: tuple[str, ...] = ()
    author_pages: tuple[str, ...] = ()
    contributors: tuple[str, ...] = ()  # authors who did not write the text: photographers, editors
    keywords: tuple[str, ...] = ()
    urgency: int = 5
    language: str = "en"
    direction: Direction = Direction.LTR
    created_at: AwareDatetime  # the publication date: listings sort by it
    updated_at: AwareDatetime | None = None  # the last visible change of text or pictures
    picture: CardPicture | None = None
    is_canonical: bool = True  # its canonical URL is here; sitemaps have only canonical pages
