"""Sanitises markup: an allow-list of the elements of news; nothing that a browser would run, load or obey.

A text has four passes:

1. `check_markup` refuses markup that is hostile to parsers.
2. nh3 (html5ever) parses the text as a browser does and applies an allow-list.
3. `structure` changes the tree.
4. nh3 cleans the result again, so that no difference between two parsers restores a removed element.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import nh3

from services.enrich.domain.anchors import is_local_link
from services.enrich.domain.embeds import ADDRESS_ATTRIBUTES
from services.enrich.domain.formulas import MATHML
from services.enrich.domain.numbers import whole_number
from services.enrich.domain.plain import markup_of
from services.enrich.domain.structure import structure
from shared.model.article import Embed, Picture, SafeHtml, SubHead
from shared.model.markup import check_markup, has_markup
from shared.model.text import composed_markup

_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "br", "cite", "code", "data", "del", "dfn", "em", "i", "ins", "kbd", "mark"),
        *("q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"),
    }
)
_BLOCKS = frozenset(
    {
        *("aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "h2", "h3", "h4", "hr", "li", "ol"),
        *("p", "pre", "ul"),
        *("caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
    }
)
_FIRST_PASS_TAGS = frozenset(
    {
        *("address", "article", "center", "details", "dir", "fieldset", "footer", "h1", "h5", "h6", "header", "hgroup"),
        *("iframe", "img", "main", "menu", "nav", "picture", "search", "section", "summary"),
        *("audio", "embed", "object", "oembed", "source", "video"),
        *("bdo", "big", "font", "form", "legend", "strike", "tt"),
        *MATHML,
    }
)
"""Allowed in the first pass only: `structure` replaces these elements."""

_DROPPED_WITH_CONTENT = frozenset(
    {
        *("annotation", "annotation-xml", "applet", "button", "canvas", "datalist", "frame", "frameset", "head"),
        *("input", "link", "map", "meta", "meter", "noembed", "noframes", "noscript", "option", "progress"),
        *("script", "select", "style", "svg", "template", "textarea", "title"),
    }
)

_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "abbr": {"title"},
    "col": {"span"},
    "colgroup": {"span"},
    "data": {"value"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope", "abbr"},
    "time": {"datetime"},
}
_FIRST_PASS_ATTRIBUTES = _ATTRIBUTES | {
    "a": {"href", "rel", "data-embed", "name"},
    "*": {"lang", "dir", "class", "id", "xml:lang", *ADDRESS_ATTRIBUTES},
    "audio": {"src", "title"},
    "embed": {"src", "title"},
    "iframe": {"src", "data-src", "title", "class"},
    "img": {"alt", "class", "src", "data-src"},
    "math": {"alttext"},
    "mfrac": {"linethickness"},
    "mfenced": {"open", "close", "separators"},
    "object": {"data", "title"},
    "oembed": {"url"},
    "source": {"src"},
    "video": {"src", "title"},
}
_LAST_PASS_ATTRIBUTES = _ATTRIBUTES | {
    "a": {"href", "rel", "data-embed"},
    "*": {"lang", "dir", "id"},
    "div": {"aria-label"},
    "img": {"src", "width", "height", "alt"},
}
_FIXED_VALUES = {
    "img": {"loading": {"lazy"}, "decoding": {"async"}},
    "p": {"class": {"embed"}},
    "div": {"class": {"table-scroll"}, "role": {"group"}, "tabindex": {"0"}},
}
_HEADINGS = frozenset(("h2", "h3", "h4"))
_PICTURE = re.compile(r"/media/[0-9a-f]{64}/[0-9]+\.[a-z]+")
_NO_PICTURES: Mapping[str, Picture] = MappingProxyType({})
_SCHEMES = {"http", "https", "mailto", "tel"}

_SPAN = re.compile(r"[1-9][0-9]{0,2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_VALUES = {
    "colspan": _SPAN,
    "rowspan": _SPAN,
    "span": _SPAN,
    "type": re.compile(r"[1aAiI]"),
    "scope": re.compile(r"(?:col|row|colgroup|rowgroup)"),
    "dir": re.compile(r"(?:ltr|rtl|auto)"),
    "lang": _LANGUAGE,
    "datetime": re.compile(r"[0-9A-Za-z:+.\- ]{1,40}"),
}

# Invisible characters that reorder or hide text: controls, bidirectional overrides, embeddings and isolates
# (CVE-2021-42574, "Trojan Source"), byte order marks, lone surrogates and non-characters. Directional marks (U+200E,
# U+200F, U+061C) and joiners (U+200C, U+200D) stay, because scripts need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
# windows-1252 text that was decoded as ISO-8859-1 has C1 controls in the place of quotation marks and dashes.
_C1 = re.compile("[\x80-\x9f]")
_DROPPED_ELEMENT = re.compile(
    r"<(applet|button|canvas|form|frameset|input|map|meter|noscript|progress|script|select|style|svg|template"
    # A name with a hyphen is a custom element, which needs a script.
    r"|textarea|(?!annotation-xml)[a-z][a-z0-9]{0,30}-[a-z0-9-]{1,60})(?=[\s/>])",
    re.IGNORECASE,
)
_SCRIPT_ADDRESS = re.compile(r"<script\s[^<>]{0,500}?\bsrc\s*=\s*[\"']?([^\s\"'<>]{1,200})", re.IGNORECASE)
_MAX_NAMED_PICTURES = 10
_LINK_SCHEME = re.compile(r"<a\s[^<>]{0,2000}?\bhref\s*+=\s*+[\"']?+\s*+([a-z][a-z0-9+.-]{1,30}):", re.IGNORECASE)


_MATHML_PREFIX = re.compile(r"<(/?)(?:m|mml|mathml):(?=[a-z])", re.IGNORECASE)  # XHTML writes <mml:math>


@dataclass(frozen=True, slots=True)
class Sanitised:
    """A body that may be shown, with its sub-heads, its embeds and the warnings."""

    body: SafeHtml
    outline: tuple[SubHead, ...]
    embeds: tuple[Embed, ...]
    warnings: tuple[str, ...]


def sanitise(html: str, base_url: str | None = None, *, pictures: Mapping[str, Picture] = _NO_PICTURES) -> Sanitised:
    """Return a body of markup or plain text in the form that may be shown; `pictures` are shown, by digest.

    Relative addresses resolve against `base_url`, the article's address on the sender's site. Sanitising the result
    again does not change it.

    Raises:
        HostileMarkupError: the markup is hostile to parsers; the message gives the reason.
    """
    text = _C1.sub(_as_windows_1252, html)
    clean = _INVISIBLE.sub("", text)
    warnings = ["left out of the body: control characters"] if clean != text else []
    source = _MATHML_PREFIX.sub(r"<\1", clean) if has_markup(clean) else markup_of(clean)
    check_markup(source)
    warnings += _warnings_of(source)
    # Once more: references (&#x202e;) have become characters.
    read = _INVISIBLE.sub("", _FIRST_PASS.clean(source)).replace("\f", " ")
    structured = structure(composed_markup(read), base_url, pictures=pictures)
    body = SafeHtml(_LAST_PASS.clean(structured.html).strip())
    return Sanitised(body, structured.outline, structured.embeds, (*warnings, *structured.warnings))


def _warnings_of(source: str) -> list[str]:
    """Return the warnings about elements that are removed with their content, and about links that are removed."""
    schemes = Counter(found.group(1).lower() for found in _LINK_SCHEME.finditer(source))
    lost = {scheme: count for scheme, count in sorted(schemes.items()) if scheme not in _SCHEMES}
    links = ", ".join(f"{count} to {scheme}:" for scheme, count in list(lost.items())[:_MAX_NAMED_PICTURES])
    link_warnings = [f"left out of the body: links that a page cannot have ({links}); their words stay"] if lost else []
    return [*_element_warnings(source), *link_warnings]


def _element_warnings(source: str) -> list[str]:
    counts = Counter(found.group(1).lower() for found in _DROPPED_ELEMENT.finditer(source))
    if not counts:
        return []
    named = ", ".join(f"{count} <{name}>" for name, count in sorted(counts.items()))
    scripts = dict.fromkeys(_SCRIPT_ADDRESS.findall(source))
    loaded = f" (loads {', '.join(list(scripts)[:_MAX_NAMED_PICTURES])})" if scripts else ""
    return [f"left out of the body: {named}{loaded}"]


def _as_windows_1252(found: re.Match[str]) -> str:
    return found.group().encode("latin-1").decode("windows-1252", errors="ignore")


def _allowed_value(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value if this attribute may have it, else None; a list's numbers in canonical form."""
    if name == "reversed":
        return ""
    if name == "start" or (tag == "li" and name == "value"):
        number = whole_number(value)
        return None if number is None else str(number)
    allowed = _VALUES.get(name)
    if tag == "abbr" or allowed is None or (name == "lang" and not value):
        return value
    return value if allowed.fullmatch(value) else None


def _allowed_value_on_page(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value if a page may have it, else None; an id is a sub-head's anchor or a local target."""
    if name == "id" and tag not in _HEADINGS and not is_local_link(f"#{value}"):
        return None
    return _allowed_value(tag, name, value)


def _site_address(address: str) -> str | None:
    """Return an address of a target in this text or of a picture on this site; None for any other address."""
    return address if is_local_link(address) or _PICTURE.fullmatch(address) else None


_FIRST_PASS = nh3.Cleaner(
    tags=_INLINE | _BLOCKS | _FIRST_PASS_TAGS,
    clean_content_tags=_DROPPED_WITH_CONTENT,
    attributes=_FIRST_PASS_ATTRIBUTES,
    attribute_filter=_allowed_value,
    url_schemes=_SCHEMES | {"media"},  # media:{digest} names an uploaded picture
    url_relative="pass_through",  # `structure` resolves relative addresses, and knows the pictures of this site
    link_rel=None,
)
_LAST_PASS = nh3.Cleaner(
    tags=_INLINE | _BLOCKS | {"img"},
    clean_content_tags=_DROPPED_WITH_CONTENT | {"audio", "iframe", "object", "video"},
    attributes=_LAST_PASS_ATTRIBUTES,
    tag_attribute_values=_FIXED_VALUES,
    attribute_filter=_allowed_value_on_page,
    url_schemes=_SCHEMES,
    url_relative=_site_address,
    link_rel=None,
)
