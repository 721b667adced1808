"""The time of an article's last visible change: a function of its released revisions alone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from unicodedata import normalize

from shared.model.addresses import published_at, releasable_at
from shared.model.article import Article, Picture
from shared.model.markup import has_markup
from shared.model.revision import Revision, stamp_of

_INVISIBLE_MARKUP = re.compile(r"<!--.*?-->|<(script|style|template)\b[^>]*+>.*?</\1\s*+>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)((?:[^>"']|"[^"]*+"|'[^']*+')*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++))""")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINE = re.compile(r"\n[ \t\r]*+\n")
_BOUNDARIES = re.compile(r" ?(?:\x03 ?)+")

_EQUIVALENT_TAGS = {"b": "strong", "i": "em", "strike": "s", "del": "s"}
_VISIBLE_ATTRIBUTES = frozenset(("src", "alt", "dir", "start", "reversed", "value", "colspan", "rowspan"))
_INLINE = frozenset(
    {
        *("a", "abbr", "bdi", "bdo", "cite", "code", "em", "ins", "kbd", "mark", "q", "rp", "rt", "ruby", "s", "samp"),
        *("small", "strong", "sub", "sup", "time", "u", "var"),
    }
)
_INVISIBLE_INLINE = frozenset(("span", "font", "wbr", "html", "body"))
_PLAIN_BLOCKS = frozenset(
    {
        *("p", "div", "section", "article", "header", "footer", "main", "address"),
        *("figure", "picture", "tbody", "thead", "tfoot"),
    }
)
_OPTIONAL_END_TAGS = frozenset(("li", "dt", "dd", "tr", "td", "th"))


def updated_at(usable: Sequence[Revision]) -> datetime | None:
    """Return the time of the last revision with a visible change; None if there is no such revision.

    `usable`: the released revisions with status usable, oldest first. A revision that repeats an article, restores it
    or corrects its metadata has no visible change.
    """
    for before, after in reversed(list(pairwise(usable))):
        if _differ(before.article, after.article):
            changed_at = releasable_at(after.article, stamp_of(after.revision))
            return changed_at if changed_at > published_at(usable[0].article, usable[0].revision) else None
    return None


def corrected_at(usable: Sequence[Revision]) -> datetime | None:
    """Return the time of the revision that brought the present correction note; None if there is no note.

    `usable`: as for `updated_at`. A later revision that repeats the note does not change its time.
    """
    if not usable or usable[-1].article.correction_note is None:
        return None
    note, first = _normalised(usable[-1].article.correction_note), len(usable) - 1
    while first > 0 and _normalised(usable[first - 1].article.correction_note) == note:
        first -= 1
    if first == 0:
        return published_at(usable[0].article, usable[0].revision)
    return releasable_at(usable[first].article, stamp_of(usable[first].revision))


def _differ(before: Article, after: Article) -> bool:
    if _visible_facts(before) != _visible_facts(after):
        return True
    return before.body != after.body and visible_text(before.body) != visible_text(after.body)


def _visible_facts(article: Article) -> tuple[object, ...]:
    """Return the fields that count as an article's text and pictures, without the body.

    The fields that classify an article do not count: section, topics, keywords, entities, related links, urgency, slug,
    language, rights, and all times and ids.
    """
    lines = (article.headline, article.kicker, article.standfirst, article.byline, article.dateline)
    return (
        *map(_normalised, (*lines, article.correction_note)),
        tuple((_normalised(author.name), _normalised(author.role)) for author in article.authors),
        _visible_picture(article.picture),
        tuple(map(_visible_picture, article.pictures)),
        tuple(picture.media for picture in article.body_pictures),
        tuple((embed.url, _normalised(embed.title)) for embed in article.embeds),
    )


def _visible_picture(picture: Picture | None) -> tuple[str | None, ...] | None:
    if picture is None:
        return None
    return (picture.media, _normalised(picture.caption), _normalised(picture.credit), _normalised(picture.alt))


def _normalised(text: str | None) -> str:
    return _SPACE.sub(" ", normalize("NFC", text or "")).strip(" ")


def visible_text(body: str) -> str:
    """Return the words, structure and pictures of a body: equal for two bodies that readers see the same.

    Comments, classes, link targets, character references and white space around blocks make no difference. The input
    is the sender's markup, not the enricher's, so that a new release of the enricher changes no date.
    """
    # Markup was checked at acceptance, so these patterns take linear time on it; on plain text they might not.
    text = (
        _TAG.sub(_visible_mark, _INVISIBLE_MARKUP.sub("", body)) if has_markup(body) else _BLANK_LINE.sub("\x03", body)
    )
    text = normalize("NFC", html.unescape(text))
    if "\x01pre" not in text:
        text = _SPACE.sub(" ", text)
    return _BOUNDARIES.sub("\x03", text).strip(" \x03")


def _visible_mark(tag: re.Match[str]) -> str:
    """Return a tag's mark: a boundary of blocks (U+0003), the tag between U+0001 and U+0002, or an empty text."""
    name = tag[2].lower()
    name = _EQUIVALENT_TAGS.get(name, name)
    if name in _INVISIBLE_INLINE:
        return ""
    if name in _PLAIN_BLOCKS or (tag[1] and name in _OPTIONAL_END_TAGS):
        return "\x03"
    found = ((each[1].lower(), each[2] or each[3] or each[4] or "") for each in _ATTRIBUTE.finditer(tag[3]))
    seen = "".join(sorted(f" {key}={value}" for key, value in found if key in _VISIBLE_ATTRIBUTES))
    marked = f"\x01{tag[1]}{name}{seen}\x02"
    return marked if name in _INLINE else f"\x03{marked}\x03"
