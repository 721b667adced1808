"""A made-up site, its theme, and makers of articles and cards: a test sets only the fields that it needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.render import domain
from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.view import ArticleView, article_view
from shared.model.article import ArticleFacts, Direction, EnrichedArticle, SafeHtml
from shared.model.card import Card, CardPicture
from shared.model.slug import page_name
from shared.site.sites import Section, Site

PATH = "world/2025/02/13/ferry-back-abc123/index.html"
CREATED = datetime(2025, 2, 13, 0, 44, tzinfo=UTC)

MakeArticle = Callable[..., EnrichedArticle]
MakeView = Callable[..., ArticleView]
MakeCard = Callable[..., Card]


@pytest.fixture(scope="session")
def epn_folder() -> Path:
    return Path(next(iter(domain.__path__))).parent / "themes" / "epn"


@pytest.fixture(scope="session")
def theme(epn_folder: Path) -> MinijinjaTheme:
    return MinijinjaTheme(epn_folder)


@pytest.fixture
def site() -> Site:
    return Site(
        id="epn",
        name="EPN",
        tagline="Connecting Communities, One Page at a Time.",
        base_url="https://epn.example",
        zone="Asia/Kolkata",
        language="en",
        theme="epn",
        default_section="news",
        sections=(Section(id="news", name="News"), Section(id="world", name="World")),
    )


@pytest.fixture
def picture() -> CardPicture:
    return CardPicture(path="media/0a1b/1200.jpg", width=1200, height=800, alt="A ferry at dusk")


@pytest.fixture
def make_article() -> MakeArticle:
    def make(
        *, body: str = "<p>The boat is back.</p>", direction: Direction = Direction.LTR, **facts: object
    ) -> EnrichedArticle:
        values = {
            "site": "epn",
            "source": "desk",
            "source_id": "1",
            "headline": "The ferry is back on the river",
            "section": "world",
            "language": "en",
        } | facts
        return EnrichedArticle(
            article="abc123abc123abc123abc123ab",
            revision="20250213004400000-0000000001-000",
            enricher="e1",
            facts=ArticleFacts.model_validate(values),
            body=SafeHtml(body),
            text="The boat is back.",
            description="What the ferry costs, and who pays.",
            direction=direction,
            word_count=4,
            reading_minutes=1,
        )

    return make


@pytest.fixture
def make_view(site: Site, make_article: MakeArticle) -> MakeView:
    def make(
        *,
        picture: CardPicture | None = None,
        facts_picture: object = None,
        updated_at: datetime | None = None,
        **article: object,
    ) -> ArticleView:
        return article_view(
            make_article(picture=facts_picture, **article),
            site=site,
            path=PATH,
            created_at=CREATED,
            updated_at=updated_at,
            picture=picture,
        )

    return make


@pytest.fixture
def make_card() -> MakeCard:
    def make(number: int = 1, **values: Any) -> Card:
        return Card.model_validate(
            {
                "article": f"article{number}",
                "path": f"world/2025/02/13/story-{number}/index.html",
                "headline": f"Story {number}",
                "section": "world",
                "created_at": CREATED,
                "topic_pages": tuple(page_name(name) for name in values.get("topics", ())),
                "author_pages": tuple(page_name(name) for name in values.get("authors", ())),
            }
            | values
        )

    return make
