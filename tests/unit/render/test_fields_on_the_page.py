"""An article's fields for readers are on its page: gallery, embeds, related links, rights."""

from __future__ import annotations

import re

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.view import article_view
from shared.model.card import CardPicture
from shared.site.sites import Site
from tests.unit.render.conftest import CREATED, PATH, MakeArticle, MakeView

BOAT, QUAY = "a" * 64, "b" * 64
MEASURES = {"width": 640, "height": 480, "content_type": "image/jpeg"}


def test_every_field_for_readers_is_on_the_page(make_article: MakeArticle, theme: MinijinjaTheme, site: Site) -> None:
    seen = {
        "headline": "Mark-headline",
        "kicker": "Mark-kicker",
        "standfirst": "Mark-standfirst",
        "dateline": "Mark-dateline",
        "correction_note": "Mark-correction",
        "keywords": ["Mark-keyword"],
        "authors": [{"name": "Mark-author"}],
        "topics": [{"name": "Mark-topic"}],
        "entities": [{"name": "Mark-entity"}],
        "rights": {"holder": "Mark-holder", "notice": "Mark-notice", "usage_terms": "Mark-terms"},
        "picture": {"media": BOAT, "caption": "Mark-caption", "credit": "Mark-credit", **MEASURES},
        "pictures": [
            {"media": QUAY, "caption": "Mark-caption-2", "credit": "Mark-credit-2", "alt": "Mark-alt-2", **MEASURES},
            {"caption": "Mark-caption-3"},
            {"credit": "Mark-credit-4"},
        ],
        "embeds": [
            {"url": "https://v.example/Mark-embed", "title": "Mark-title"},
            {"url": "https://v.example/2", "provider": "Mark-provider"},
        ],
        "related": [
            {"url": "https://r.example/Mark-related", "title": "Mark-related-title"},
            {"url": "https://mark-host.example/x"},
        ],
    }
    article = make_article(**seen)
    lead = CardPicture(path=f"media/{BOAT}/640.jpg", width=640, height=480, alt="Mark-alt")
    view = article_view(article, site=site, path=PATH, created_at=CREATED, updated_at=None, picture=lead)
    page = theme.article(view).decode()

    quarantine = set(re.findall(r"(?i)mark-[a-z0-9-]*[a-z0-9]", repr(seen))) | {"Mark-alt"}
    assert sorted(mark for mark in quarantine if mark not in page) == []
    assert f'src="/media/{QUAY}/640.jpg"' in page
    assert page.count("fetchpriority") == 1
    assert page.count('loading="lazy"') == 1


def test_pictures_and_embeds_of_the_body_are_not_repeated(make_view: MakeView, theme: MinijinjaTheme) -> None:
    view = make_view(
        body=f'<figure><img src="/media/{QUAY}/640.jpg" alt=""></figure>'
        '<p class="embed"><a href="https://v.example/1?a=1&amp;b=2" data-embed="https://v.example/1?a=1&amp;b=2">V</a></p>',
        pictures=[{"media": QUAY, **MEASURES}],
        embeds=[{"url": "https://v.example/1?a=1&b=2"}, {"url": "https://v.example/1"}],
    )
    page = theme.article(view).decode()

    assert page.count(f"/media/{QUAY}/640.jpg") == 1
    assert [link.url for link in view.embeds] == ["https://v.example/1"]


def test_a_rights_holder_in_the_notice_is_not_repeated(make_view: MakeView) -> None:
    view = make_view(rights={"holder": "EPN", "notice": "Copyright EPN"})

    assert view.rights == ("Copyright EPN",)
