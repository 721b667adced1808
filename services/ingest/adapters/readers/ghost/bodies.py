"""The body of a Ghost post: its HTML, otherwise the texts of its editor's format (Lexical, Mobiledoc)."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from services.ingest.adapters.readers.ghost.cards import card_html, mobiledoc_card
from services.ingest.adapters.readers.ghost.gates import is_gated, is_paywall, public_part
from services.ingest.adapters.readers.trees import inner_html, parsed_fragment
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain import prose
from shared.model.article import MAX_BODY_CHARS

_OWN_SITE = "__GHOST_URL__"
_CARDS = ("kg-bookmark-card", "kg-video-card", "kg-audio-card", "kg-file-card", "kg-signup-card", "kg-email-card")
_GATED = "gated"  # the count of parts that only members may read
_BOLD, _ITALIC = 1, 2  # bits of Lexical's `format`
_MAX_DEPTH = 30
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_MOBILEDOC_MARKUPS = frozenset({"a", "b", "code", "em", "i", "s", "strong", "sub", "sup", "u"})
_MARKUP_SECTION, _IMAGE_SECTION, _LIST_SECTION = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Body:
    """A body as HTML, the field that it comes from, and warnings about parts left out.

    `cut`: the reasons why parts are not for everybody.
    """

    html: str
    name: str
    warnings: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


def body_of(post: Item) -> Body | None:
    """Return the body of a post; None if it has no text in a form that is understood."""
    if markup := text_of(post.get("html")):
        public, gates = public_part(markup)
        return Body(_without_cards(public.replace(_OWN_SITE, "")), "html", cut=gates)
    for name, read in (("lexical", _from_lexical), ("mobiledoc", _from_mobiledoc)):
        source = text_of(post.get(name))
        if source is None or len(source) > 2 * MAX_BODY_CHARS:
            continue
        try:
            document = json.loads(source)
        except (ValueError, RecursionError):
            continue
        lost: Counter[str] = Counter()
        if isinstance(document, dict) and (markup := "\n".join(read(document, lost)).strip() or _gate_in(lost)):
            cut = [f"{lost.pop(_GATED)} parts are for members only"] if _GATED in lost else []
            markup, marked = public_part(markup)
            warnings = [f"the body comes from {name}, because the post has no html"]
            warnings += [f"{count} cards of type {kind[:40]} were left out of the body" for kind, count in lost.items()]
            return Body(markup.replace(_OWN_SITE, "").strip(), name, tuple(warnings), (*cut, *marked))
    if text := text_of(post.get("plaintext")):
        return Body(prose.paragraphs(text), "plaintext", ("the body comes from plaintext, without mark-up",))
    return None


def _gate_in(lost: Counter[str]) -> str:
    """Return a mark of a gated block, if all parts of a body are for members only."""
    return "<!--members-only-->" if lost[_GATED] else ""


def _without_cards(markup: str) -> str:
    """Return HTML in which Ghost's cards with buttons and clocks are links and players.

    Markup that is hostile to parsers is returned unchanged; the builder refuses it.
    """
    if len(markup) > MAX_BODY_CHARS or not any(card in markup for card in _CARDS):
        return markup
    root = parsed_fragment(markup)
    if root is None:
        return markup
    for card in [each for each in root.iter() if isinstance(each.tag, str) and _is_card(each)]:
        _replace_card(card)
    return inner_html(root)


def _is_card(element: etree._Element) -> bool:
    return not set(_CARDS).isdisjoint((element.get("class") or "").split())


def _replace_card(card: etree._Element) -> None:
    """Replace a card by its player, or else by its link with the card's title, and keep its caption."""
    parent = card.getparent()
    if parent is None:
        return
    classes = (card.get("class") or "").split()
    parts: list[etree._Element] = []
    if not {"kg-signup-card", "kg-email-card"}.intersection(classes):
        player = next(card.iter("video", "audio"), None)
        link = next((each for each in card.iter("a") if each.get("href")), None)
        if player is not None and player.get("src"):
            parts.append(etree.Element(str(player.tag), {"src": str(player.get("src"))}))
        elif link is not None:
            paragraph = etree.Element("p")
            etree.SubElement(paragraph, "a", {"href": str(link.get("href"))}).text = _title_in(card)
            parts.append(paragraph)
        if (caption := next(card.iter("figcaption"), None)) is not None and (words := _text_of(caption)):
            paragraph = etree.Element("p")
            paragraph.text = words
            parts.append(paragraph)
    for part in parts:
        card.addprevious(part)
    if card.tail and card.tail.strip():
        tail = etree.Element("p")
        tail.text = card.tail
        card.addprevious(tail)
    parent.remove(card)


def _title_in(card: etree._Element) -> str:
    for each in card.iter():
        if isinstance(each.tag, str) and (each.get("class") or "").endswith("-title") and (words := _text_of(each)):
            return words
    return _text_of(card)[:200]


def _text_of(element: etree._Element) -> str:
    return " ".join(str(etree.tostring(element, method="text", encoding="unicode", with_tail=False)).split())


# --- Lexical


def _from_lexical(document: Item, lost: Counter[str]) -> Iterator[str]:
    root = document.get("root")
    for node in _children(root if isinstance(root, dict) else {}):
        if is_paywall(node.get("type")):
            lost[_GATED] += 1
            return
        if is_gated(node):
            lost[_GATED] += 1
        elif block := _lexical_block(node, lost, 0):
            yield block


def _lexical_block(node: Item, lost: Counter[str], depth: int) -> str:
    kind = text_of(node.get("type")) or ""
    if depth > _MAX_DEPTH:
        return ""
    if kind in ("heading", "extended-heading"):
        tag = node.get("tag") if node.get("tag") in _HEADINGS else "h2"
        return f"<{tag}>{_lexical_line(node, depth)}</{tag}>"
    if kind in ("quote", "extended-quote", "aside"):
        return f"<blockquote><p>{_lexical_line(node, depth)}</p></blockquote>"
    if kind == "list":
        tag = "ol" if node.get("listType") == "number" else "ul"
        items = (f"<li>{_lexical_item(each, lost, depth + 1)}</li>" for each in _children(node))
        return f"<{tag}>{''.join(items)}</{tag}>"
    if kind == "paragraph":
        line = _lexical_line(node, depth)
        return f"<p>{line}</p>" if line.strip() else ""
    return card_html(kind, node, lost)


def _lexical_item(node: Item, lost: Counter[str], depth: int) -> str:
    nested = [_lexical_block(each, lost, depth + 1) for each in _children(node) if each.get("type") == "list"]
    return _lexical_line(node, depth) + "".join(nested)


def _lexical_line(node: Item, depth: int) -> str:
    """Return the text nodes within a block, with bold, italics and links."""
    if depth > _MAX_DEPTH:
        return ""
    parts = []
    for child in _children(node):
        kind = child.get("type")
        if kind == "linebreak":
            parts.append("<br>")
        elif kind in ("link", "autolink"):
            address = html.escape(text_of(child.get("url")) or "")
            parts.append(f'<a href="{address}">{_lexical_line(child, depth + 1)}</a>')
        elif kind == "paragraph":
            parts.append(_lexical_line(child, depth + 1))
        elif isinstance(child.get("text"), str):
            parts.append(_formatted(html.escape(child["text"], quote=False), child.get("format")))
    return "".join(parts)


def _formatted(text: str, bits: object) -> str:
    if isinstance(bits, int):
        text = f"<em>{text}</em>" if bits & _ITALIC else text
        text = f"<strong>{text}</strong>" if bits & _BOLD else text
    return text


def _children(node: Item) -> Iterator[Item]:
    children = node.get("children")
    for child in children if isinstance(children, list) else ():
        if isinstance(child, dict):
            yield child


# --- Mobiledoc


def _from_mobiledoc(document: Item, lost: Counter[str]) -> Iterator[str]:
    sections, cards = document.get("sections"), document.get("cards")
    markups = document.get("markups")
    for section in sections if isinstance(sections, list) else ():
        if isinstance(section, list) and section:
            card = mobiledoc_card(section, cards)
            if card is not None and (is_paywall(card[0]) or is_gated(card[1])):
                lost[_GATED] += 1
                if is_paywall(card[0]):
                    return
                continue
            yield _section(section, markups if isinstance(markups, list) else [], cards, lost)


def _section(section: list[Any], markups: list[Any], cards: object, lost: Counter[str]) -> str:
    kind, rest = section[0], section[1:]
    if kind == _MARKUP_SECTION and len(rest) > 1:
        tag = rest[0] if rest[0] in _HEADINGS | {"p", "blockquote", "aside"} else "p"
        return f"<{tag}>{_markers(rest[1], markups)}</{tag}>"
    if kind == _LIST_SECTION and len(rest) > 1 and isinstance(rest[1], list):
        tag = "ol" if rest[0] == "ol" else "ul"
        return f"<{tag}>{''.join(f'<li>{_markers(each, markups)}</li>' for each in rest[1])}</{tag}>"
    if card := mobiledoc_card(section, cards):
        return card_html(*card, lost)
    if kind == _IMAGE_SECTION and rest and isinstance(rest[0], str):
        return f'<figure><img src="{html.escape(rest[0])}"></figure>'
    return ""


def _markers(markers: object, markups: list[Any]) -> str:
    """Return the text of a section: each marker opens some markups and closes the last ones that are open."""
    parts: list[str] = []
    opened: list[str] = []
    for marker in markers if isinstance(markers, list) else ():
        if not isinstance(marker, list) or len(marker) < 4 or not isinstance(marker[3], str):  # noqa: PLR2004 -- the form
            continue
        for place in marker[1] if isinstance(marker[1], list) else ():
            tag, start = _markup(markups, place)
            parts.append(start)
            opened.append(tag)
        parts.append(html.escape(marker[3], quote=False))
        for _ in range(min(marker[2], len(opened)) if isinstance(marker[2], int) else 0):
            tag = opened.pop()
            parts.append(f"</{tag}>" if tag else "")
    parts += [f"</{tag}>" for tag in reversed(opened) if tag]
    return "".join(parts)


def _markup(markups: list[Any], place: object) -> tuple[str, str]:
    markup = markups[place] if isinstance(place, int) and 0 <= place < len(markups) else None
    if not isinstance(markup, list) or not markup or markup[0] not in _MOBILEDOC_MARKUPS:
        return "", ""
    tag, attributes = str(markup[0]), markup[1] if len(markup) > 1 else []
    address = attributes[1] if tag == "a" and isinstance(attributes, list) and len(attributes) > 1 else ""
    return tag, f'<a href="{html.escape(address)}">' if tag == "a" and isinstance(address, str) else f"<{tag}>"
