"""The time of an article's last change, as readers are told it: a function of its released revisions alone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from unicodedata import normalize

from shared.model.addresses import out_at, published_at
from shared.model.article import Article, Picture
from shared.model.markup import has_markup
from shared.model.revision import Revision, stamp_of

_UNSEEN = re.compile(r"<!--.*?-->|<(script|style|template)\b[^>]*+>.*?</\1\s*+>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)((?:[^>"']|"[^"]*+"|'[^']*+')*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++))""")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINE = re.compile(r"\n[ \t\r]*+\n")
_BOUNDARIES = re.compile(r" ?(?:\x03 ?)+")

_SAME_LOOK = {"b": "strong", "i": "em", "strike": "s", "del": "s"}
_SEEN_ATTRIBUTES = frozenset(("src", "alt", "dir", "start", "reversed", "value", "colspan", "rowspan"))
_INLINE = frozenset(
    {
        *("a", "abbr", "bdi", "bdo", "cite", "code", "em", "ins", "kbd", "mark", "q", "rp", "rt", "ruby", "s", "samp"),
        *("small", "strong", "sub", "sup", "time", "u", "var"),
    }
)
_INLINE_WITHOUT_LOOK = frozenset(("span", "font", "wbr", "html", "body"))
_BLOCKS_WITHOUT_LOOK = frozenset(
    {
        *("p", "div", "section", "article", "header", "footer", "main", "address"),
        *("figure", "picture", "tbody", "thead", "tfoot"),
    }
)
_END_MAY_BE_LEFT_OUT = frozenset(("li", "dt", "dd", "tr", "td", "th"))


def updated_at(shown: Sequence[Revision]) -> datetime | None:
    """Return the time of the last revision that changed what readers see; None while there is no such change.

    `shown`: the released revisions with status usable, oldest first. A revision that repeats an article, restores it
    or mends its metadata changes nothing that readers see.
    """
    for before, after in reversed(list(pairwise(shown))):
        if _differ(before.article, after.article):
            changed_at = out_at(after.article, stamp_of(after.revision))
            return changed_at if changed_at > published_at(shown[0].article, shown[0].revision) else None
    return None


def _differ(before: Article, after: Article) -> bool:
    if _seen_facts(before) != _seen_facts(after):
        return True
    return before.body != after.body and seen_text(before.body) != seen_text(after.body)


def _seen_facts(article: Article) -> tuple[object, ...]:
    """Return the fields that count as an article's text and pictures; the body comes on top.

    Not among them, because they file an article and do not tell its story: section, topics, keywords, entities,
    related links, urgency, slug, language, rights, and all times and identities.
    """
    lines = (article.headline, article.kicker, article.standfirst, article.byline, article.dateline)
    return (
        *map(_seen, (*lines, article.correction_note)),
        tuple((_seen(author.name), _seen(author.role)) for author in article.authors),
        _seen_picture(article.picture),
        tuple(map(_seen_picture, article.pictures)),
        tuple(picture.media for picture in article.body_pictures),
        tuple((embed.url, _seen(embed.title)) for embed in article.embeds),
    )


def _seen_picture(picture: Picture | None) -> tuple[str | None, ...] | None:
    if picture is None:
        return None
    return (picture.media, _seen(picture.caption), _seen(picture.credit), _seen(picture.alt))


def _seen(text: str | None) -> str:
    return _SPACE.sub(" ", normalize("NFC", text or "")).strip(" ")


def seen_text(body: str) -> str:
    """Return the words, structure and pictures of a body: equal for two bodies that read the same.

    Comments, classes, link targets, character references and white space around blocks make no difference. The
    sender's markup is read and not the enricher's, so that a new release of the enricher changes no date.
    """
    # Markup was checked when it was accepted, so these patterns take linear time; on plain text they need not.
    text = _TAG.sub(_mark, _UNSEEN.sub("", body)) if has_markup(body) else _BLANK_LINE.sub("\x03", body)
    text = normalize("NFC", html.unescape(text))
    if "\x01pre" not in text:
        text = _SPACE.sub(" ", text)
    return _BOUNDARIES.sub("\x03", text).strip(" \x03")


def _mark(tag: re.Match[str]) -> str:
    """Return what a tag shows: a boundary of blocks (U+0003), its name between U+0001 and U+0002, or nothing."""
    name = tag[2].lower()
    name = _SAME_LOOK.get(name, name)
    if name in _INLINE_WITHOUT_LOOK:
        return ""
    if name in _BLOCKS_WITHOUT_LOOK or (tag[1] and name in _END_MAY_BE_LEFT_OUT):
        return "\x03"
    found = ((each[1].lower(), each[2] or each[3] or each[4] or "") for each in _ATTRIBUTE.finditer(tag[3]))
    seen = "".join(sorted(f" {key}={value}" for key, value in found if key in _SEEN_ATTRIBUTES))
    marked = f"\x01{tag[1]}{name}{seen}\x02"
    return marked if name in _INLINE else f"\x03{marked}\x03"
