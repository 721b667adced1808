"""The cards of Ghost's editors (Lexical, Mobiledoc) as HTML."""

from __future__ import annotations

import html
from collections import Counter
from typing import Any

from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain import prose

_CARD_SECTION = 10  # of Mobiledoc


def card_html(kind: str, card: Item, lost: Counter[str]) -> str:
    """Return a card of either editor as HTML; a card that is not understood is counted in `lost`."""
    texts = {name: text for name, value in card.items() if (text := text_of(value))}
    found = _media_card(kind, texts) if texts.get("url") or texts.get("src") else _text_card(kind, texts)
    if not found and kind not in ("paywall", "horizontalrule", "hr"):
        lost[kind or "unknown"] += 1
    return "<hr>" if kind in ("horizontalrule", "hr") else found


def _media_card(kind: str, texts: dict[str, str]) -> str:
    address = html.escape(texts.get("url") or texts.get("src") or "")
    if kind == "embed":
        return f'<oembed url="{address}"></oembed>'
    if kind in ("video", "audio"):
        return f'<{kind} src="{address}"></{kind}>'
    if kind == "bookmark":
        return f'<p><a href="{address}">{html.escape(texts.get("title", "")) or address}</a></p>'
    if kind == "image":
        caption = f"<figcaption>{texts['caption']}</figcaption>" if "caption" in texts else ""
        return f'<figure><img src="{address}" alt="{html.escape(texts.get("alt", ""))}">{caption}</figure>'
    return ""


def _text_card(kind: str, texts: dict[str, str]) -> str:
    if kind in ("html", "markdown", "card-markdown"):
        markup = texts.get("html") or texts.get("markdown") or ""
        return markup if prose.has_tags(markup) else prose.paragraphs(markup)
    if kind in ("codeblock", "code"):
        return f"<pre>{html.escape(texts.get('code', ''), quote=False)}</pre>"
    return f"<aside><p>{texts['calloutText']}</p></aside>" if kind == "callout" and "calloutText" in texts else ""


def mobiledoc_card(section: list[Any], cards: object) -> tuple[str, Item] | None:
    """Return the name and the values of a section that is a card, otherwise None."""
    is_card = section[0] == _CARD_SECTION and len(section) > 1 and isinstance(section[1], int)
    if not is_card or not isinstance(cards, list) or not 0 <= section[1] < len(cards):
        return None
    card = cards[section[1]]
    if isinstance(card, list) and len(card) > 1 and isinstance(card[0], str) and isinstance(card[1], dict):
        return card[0], card[1]
    return None
