"""Markup that may be shown: what news is written with, and nothing that a browser would run, load or obey.

Three passes over one text. The guard refuses what no parser should meet. nh3 (html5ever) reads it as a browser does and
keeps an allow-list. `structure` then works on a tree, and nh3 has the last word over what that wrote, so that no
difference between two parsers can bring back what the first pass took out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import nh3

from services.enrich.domain.structure import Structured, structure
from shared.article import Embed, SafeHtml, SubHead
from shared.markup import check_markup

_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "data", "del", "dfn", "em", "i", "ins", "kbd", "mark"),
        *("q", "rp", "rt", "ruby", "s", "samp", "small", "strong", "sub", "sup", "time", "u", "var", "wbr"),
    }
)
_BLOCKS = frozenset(
    {
        *("aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "h2", "h3", "h4", "hr", "li", "ol"),
        *("p", "pre", "ul"),
        *("caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
    }
)
_READ_FIRST = frozenset(
    {
        *("address", "article", "center", "details", "dir", "fieldset", "footer", "h1", "h5", "h6", "header", "hgroup"),
        *("iframe", "img", "main", "menu", "nav", "picture", "search", "section", "summary"),
        *("big", "font", "span", "strike", "tt"),
    }
)
"""Kept by the first pass alone: `structure` makes something else of them."""

_DROPPED_WITH_CONTENT = frozenset(
    {
        *("applet", "audio", "button", "canvas", "datalist", "embed", "frame", "frameset", "head", "input", "link"),
        *("map", "math", "meta", "meter", "noembed", "noframes", "noscript", "object", "option", "progress"),
        *("script", "select", "style", "svg", "template", "textarea", "title", "video"),
    }
)

_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href"},
    "abbr": {"title"},
    "bdo": {"dir"},
    "col": {"span"},
    "colgroup": {"span"},
    "data": {"value"},
    "ol": {"start", "reversed", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope", "abbr"},
    "time": {"datetime"},
}
_ATTRIBUTES_READ_FIRST = _ATTRIBUTES | {
    "*": {"lang", "dir", "class"},
    "iframe": {"src", "title", "class"},
    "img": {"alt", "class"},
}
_ATTRIBUTES_SHOWN = _ATTRIBUTES | {
    "a": {"href", "rel", "data-embed"},
    "h2": {"id"},
    "h3": {"id"},
    "h4": {"id"},
    "p": {"class"},
    "div": {"class", "role", "tabindex", "aria-label"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}

_SPAN = re.compile(r"[1-9][0-9]{0,2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_VALUES = {
    "colspan": _SPAN,
    "rowspan": _SPAN,
    "span": _SPAN,
    "start": re.compile(r"-?[0-9]{1,6}"),
    "reversed": re.compile(r""),
    "type": re.compile(r"[1aAiI]"),
    "scope": re.compile(r"(?:col|row|colgroup|rowgroup)"),
    "dir": re.compile(r"(?:ltr|rtl|auto)"),
    "lang": _LANGUAGE,
    "datetime": re.compile(r"[0-9A-Za-z:+.\- ]{1,40}"),
}

# Control characters, and what turns or hides text without being seen: the bidirectional overrides, embeddings and
# isolates (CVE-2021-42574, "Trojan Source"), byte order marks, and lone surrogates, which are no characters at all.
# Marks that only tell the order (U+200E, U+200F, U+061C) and joiners (U+200C, U+200D) stay: scripts need them.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")
_UNSEEN_REFERENCE = re.compile(r"&#(?:0{0,8}([0-9]{1,7})|[xX]0{0,8}([0-9A-Fa-f]{1,6}))(?![0-9A-Fa-f]);?")
_NON_CHARACTER_FLOOR = 0xFFFE


@dataclass(frozen=True, slots=True)
class Sanitised:
    """A body that may be shown, and what was found in it on the way."""

    body: SafeHtml
    outline: tuple[SubHead, ...]
    embeds: tuple[Embed, ...]
    warnings: tuple[str, ...]
