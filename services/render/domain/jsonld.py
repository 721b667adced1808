"""What machines are told of an article: schema.org's NewsArticle as JSON-LD."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from services.render.domain.dates import machine_time
from shared.article import ArticleFacts, EnrichedArticle
from shared.card import CardPicture
from shared.keys import url_path
from shared.sites import Site

# Inside <script> the HTML parser looks for `</script` and `<!--`; JavaScript once ended lines at U+2028 and U+2029.
# All of these are harmless as JSON escapes.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def news_article(
    article: EnrichedArticle,
    *,
    site: Site,
    url: str,
    canonical_url: str,
    created_at: datetime,
    updated_at: datetime | None,
    picture: CardPicture | None,
) -> str:
    """Return the article's NewsArticle as text that is safe inside a `<script>`."""
    facts = article.facts
    publisher = {"@type": "NewsMediaOrganization", "name": site.name, "url": f"{site.base_url}/"}
    described: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": facts.headline,
        "description": article.description,
        "url": url,
        "mainEntityOfPage": {"@type": "WebPage", "@id": canonical_url},
        "datePublished": machine_time(created_at, zone=site.zone),
        "dateModified": machine_time(updated_at or created_at, zone=site.zone),
        "author": _authors(facts, site) or [publisher],
        "publisher": publisher,
        "articleSection": site.section_name(facts.section),
        "inLanguage": facts.language,
        "isAccessibleForFree": True,
        "wordCount": article.word_count,
    }
    if facts.keywords:
        described["keywords"] = list(facts.keywords)
    if facts.correction_note:
        described["correction"] = facts.correction_note
    if picture:
        described["image"] = [_image(picture, facts, site)]
    return json_for_script(described)


def json_for_script(value: object) -> str:
    """Return JSON that cannot end the `<script>` it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def _authors(facts: ArticleFacts, site: Site) -> list[dict[str, str]]:
    if facts.authors:
        return [{"@type": "Person", "name": author.name} for author in facts.authors]
    if not facts.byline:
        return []
    # "EPN Desk" is the house itself; any other line is taken for a person's name.
    is_house = facts.byline.casefold().startswith(site.name.casefold())
    return [{"@type": "Organization" if is_house else "Person", "name": facts.byline}]


def _image(picture: CardPicture, facts: ArticleFacts, site: Site) -> dict[str, Any]:
    image: dict[str, Any] = {
        "@type": "ImageObject",
        "url": site.base_url + url_path(picture.path),
        "width": picture.width,
        "height": picture.height,
    }
    words = facts.picture
    if words and words.caption:
        image["caption"] = words.caption
    if words and words.credit:
        image["creditText"] = words.credit
    return image
