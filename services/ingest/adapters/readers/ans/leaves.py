"""Content elements without elements inside, as HTML; the enricher sanitises the result."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.ingest.adapters.readers.addresses import is_web_address
from services.ingest.adapters.readers.ans.pictures import NOT_INFLATED, player_address
from services.ingest.adapters.readers.ans.taxonomy import title_of
from services.ingest.adapters.readers.ans.texts import line_of
from services.ingest.adapters.readers.values import Item, text_of, whole_number

_BLOCK = re.compile(
    r"<(?:p|div|h[1-6]|ul|ol|table|blockquote|figure|iframe|section|pre|hr|aside|dl)[\s/>]", re.IGNORECASE
)
_HEADER_LEVELS = range(2, 7)
_PLAYER = re.compile(r"<(?:iframe|video|audio|object|embed)\b", re.IGNORECASE)
_OEMBED = "oembed"
_MAX_RATING = 1e12


@dataclass(frozen=True, slots=True)
class Omitted:
    """An element that is left out, with the reason; an empty reason is not reported, because nothing is lost."""

    reason: str


def paragraph(content: str) -> str:
    """Return inline mark-up as a paragraph, and blocks unchanged."""
    return content if _BLOCK.search(content) else f"<p>{content}</p>"


def without_paragraph(block: str) -> str:
    """Return the content of a block that is a single paragraph; otherwise the block."""
    is_single = block.startswith("<p>") and block.endswith("</p>") and block.count("<p") == 1
    return block[3:-4] if is_single else block


def content_of(element: Item) -> str | Omitted:
    """Return the `content` of an element."""
    content = element.get("content")
    if text := text_of(content):
        return text
    return Omitted("" if isinstance(content, str) else "has no text")


def _text(element: Item) -> str | Omitted:
    content = content_of(element)
    return paragraph(content) if isinstance(content, str) else content


def _header(element: Item) -> str | Omitted:
    content = content_of(element)
    if isinstance(content, Omitted):
        return content
    level = whole_number(element.get("level"))
    level = min(max(level if level is not None else 2, _HEADER_LEVELS.start), _HEADER_LEVELS.stop - 1)
    return f"<h{level}>{content}</h{level}>"


def _code(element: Item) -> str | Omitted:
    content = content_of(element)
    if isinstance(content, Omitted):
        return content
    return f"<pre><code>{html.escape(str(element.get('content')), quote=False)}</code></pre>"


def _divider(_: Item) -> str | Omitted:
    return "<hr>"


def _rating(element: Item) -> str | Omitted:
    value, best = _number(element.get("numeric_rating")), _number(element.get("max"))
    if not value:
        return Omitted("is not a number")
    units = html.escape(line_of(element.get("units")) or "", quote=False)
    words = f"{value}/{best} {units}" if best else f"{value} {units}"
    return f"<p><strong>{words.strip()}</strong></p>"


def _endorsement(element: Item) -> str | Omitted:
    words = line_of(element.get("endorsement"))
    return f"<p><strong>{html.escape(words, quote=False)}</strong></p>" if words else Omitted("has no text")


def _link(element: Item) -> str | Omitted:
    address, words = text_of(element.get("url")), text_of(element.get("content"))
    if not words:
        return Omitted("has no text")
    return f'<p><a href="{html.escape(address)}">{words}</a></p>' if address else f"<p>{words}</p>"


def _story(element: Item) -> str | Omitted:
    """Return an inflated story inside a story as a link to it."""
    addresses = (text_of(element.get(name)) for name in ("canonical_url", "website_url"))
    address, title = next((each for each in addresses if each), None), title_of(element)
    if not title or not address or not is_web_address(address):
        return Omitted("is another story, without an address for readers")
    return f'<p><a href="{html.escape(address)}">{html.escape(title, quote=False)}</a></p>'


def _player(element: Item) -> str | Omitted:
    embed, kind = text_of(element.get("embed_html")) or "", (text_of(element.get("type")) or "").lower()
    if element.get("youtube_content_id") is None and _PLAYER.search(embed):
        return embed
    address = player_address(element)
    if address is None:
        return Omitted(f"the {kind} has no address for readers")
    tag = "iframe" if "youtube.com/" in address else kind
    title = html.escape(title_of(element) or "")
    return f'<{tag} src="{html.escape(address)}" title="{title}"></{tag}>'


def _oembed(element: Item) -> str | Omitted:
    found = element.get("raw_oembed")
    oembed: Item = found if isinstance(found, dict) else {}
    if markup := text_of(oembed.get("html")):
        return markup
    address = text_of(oembed.get("url")) or text_of(oembed.get("_id"))
    return _address_box(address) or _reference(element)


def _reference(element: Item) -> str | Omitted:
    found = element.get("referent")
    referent: Item = found if isinstance(found, dict) else {}
    is_oembed = any(_OEMBED in (text_of(referent.get(name)) or "") for name in ("provider", "service", "type"))
    box = _address_box(text_of(referent.get("id"))) if is_oembed else ""
    return box or Omitted(NOT_INFLATED)


def _custom_embed(_: Item) -> str | Omitted:
    return Omitted("a custom embed has no form for readers; its address answers with data")


def _content_zone(_: Item) -> str | Omitted:
    return Omitted("is a place for variants of other sites and has no text")


def _address_box(address: str | None) -> str:
    return f'<oembed url="{html.escape(address)}"></oembed>' if address and is_web_address(address) else ""


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MAX_RATING:
        return ""
    return f"{value:.6g}"


LEAVES: Mapping[str, Callable[[Item], str | Omitted]] = {
    "audio": _player,
    "code": _code,
    "content_zone": _content_zone,
    "custom_embed": _custom_embed,
    "divider": _divider,
    "endorsement": _endorsement,
    "header": _header,
    "interstitial_link": _link,
    "numeric_rating": _rating,
    "oembed": _oembed,
    "oembed_response": _oembed,
    "raw_html": content_of,
    "reference": _reference,
    "story": _story,
    "text": _text,
    "video": _player,
}
"""Kind of element -> its HTML, or the reason why it is left out."""
