"""Converts a body as WordPress stores it into plain HTML: block comments, shortcodes, bare links, blank lines.

A rendered body (of the REST interface) has none of these, and passes unchanged. Every step takes linear time.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from services.ingest.adapters.readers.wordpress.paragraphs import with_paragraphs
from services.ingest.adapters.readers.wordpress.restricted import without_restricted
from services.ingest.domain import prose

_BLOCK = re.compile(r"wp:([a-z][a-z0-9_/-]{0,80})(?![a-z0-9_/-])")
_SHORTCODE = re.compile(r"\[(\[?)(/?)([a-zA-Z][\w-]{0,40})((?:[\s=/][^\[\]]{0,2000})?)\](\]?)")
_ATTRIBUTE = re.compile(r"""([\w-]{1,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'\]]+))""")
_URL = re.compile(r"https?://[^\s\[\]<>\"']{3,2000}")
_URL_LINE = re.compile(r"^[ \t]*(https?://[^\s<>\"']{3,2000})[ \t]*$", re.MULTILINE)
_PLAYER_HOSTS = (
    *("youtube.com", "youtu.be", "vimeo.com", "dailymotion.com", "twitter.com", "x.com", "instagram.com"),
    *("facebook.com", "tiktok.com", "spotify.com", "soundcloud.com", "flickr.com", "ted.com", "bsky.app"),
    *("wordpress.tv", "videopress.com", "reddit.com", "threads.net", "pinterest.com", "issuu.com", "scribd.com"),
)
_HOST = re.compile(r"https?://(?:[\w-]+\.)*?([\w-]+\.[\w-]+)(?=[/?#:]|$)")
_MEDIA_ATTRIBUTES = ("src", "mp4", "m4v", "webm", "ogv", "mp3", "m4a", "ogg", "wav", "flv", "wmv")
_PLAYERS_BY_ID = {
    "youtube": "https://www.youtube.com/watch?v={}",
    "vimeo": "https://vimeo.com/{}",
    "dailymotion": "https://www.dailymotion.com/video/{}",
    "tweet": "https://twitter.com/i/status/{}",
    "twitter": "https://twitter.com/i/status/{}",
    "ted": "https://www.ted.com/talks/{}",
    "soundcloud": "",
    "instagram": "",
    "facebook": "",
    "spotify": "",
    "tiktok": "",
    "googlevideo": "",
}
"""Shortcodes of players: the address of a player's id; empty: only a whole address is understood."""
_PLAYER_ID = re.compile(r"[\w-]{3,60}")
_PAIRED = frozenset(("caption", "wp_caption", "embed", "video", "audio", *_PLAYERS_BY_ID))
_ALWAYS_SHORTCODES = frozenset(("gallery", "playlist", "archives"))
_MAX_INNER_CHARS = 1_000  # of a player's shortcode: its address
_MAX_SHORTCODES = 5_000  # further brackets stay in the text
_MAX_LINKS = 1_000  # that stand alone on their lines; further ones stay text


@dataclass(slots=True)
class Converted:
    """A body as HTML. `galleries`: ids of attachments that galleries name; `removed`: names and their counts.

    `restricted`: names and counts of the parts that only members may read, which are cut.
    """

    html: str
    galleries: list[str] = field(default_factory=list)
    has_gallery_of_parent: bool = False
    removed: Counter[str] = field(default_factory=Counter)
    restricted: Counter[str] = field(default_factory=Counter)


def converted(body: str, *, is_rendered: bool = False) -> Converted:
    """Return the body as HTML, with the parts that were removed. `is_rendered`: the site made HTML of it already."""
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    found = Converted("")
    is_classic = not is_rendered and "<!-- wp:" not in text
    text = without_restricted(text, found.restricted)
    text = _without_comments(text, found)
    text = _without_shortcodes(text, found)
    if not is_rendered:
        text = _URL_LINE.sub(_player_or_link, text, count=_MAX_LINKS)
    found.html = with_paragraphs(text) if is_classic else text.strip()
    return found


def _without_comments(text: str, found: Converted) -> str:
    """Remove comments; report blocks that the site would have filled."""
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        parts.append(text[position:start])
        _note_block(text[start + 4 : end], found)
        position = end + 3
    parts.append(text[position:])
    return "".join(parts)


def _note_block(comment: str, found: Converted) -> None:
    if comment.strip().startswith("nextpage"):
        found.removed["page break"] += 1
        return
    opening = comment.strip()
    block = _BLOCK.match(opening)
    if block is None:
        return
    name, is_empty = block[1].rstrip("/"), opening.endswith("/")
    if name == "gallery":
        found.galleries += _gallery_ids(opening[block.end() :].rstrip("/"))
    if is_empty and name not in ("more", "nextpage", "separator", "spacer"):
        found.removed[f"block wp:{name}"] += 1


def _gallery_ids(attributes: str) -> list[str]:
    try:
        values = json.loads(attributes)
    except (ValueError, RecursionError):
        return []
    ids = values.get("ids") if isinstance(values, dict) else None
    return [str(each) for each in ids[:100] if isinstance(each, int | str)] if isinstance(ids, list) else []


def _without_shortcodes(text: str, found: Converted) -> str:
    """Replace known shortcodes, and remove the tags of unknown ones; a bracket in prose stays."""
    if "[" not in text:
        return text
    tags = list(islice(_SHORTCODE.finditer(text), _MAX_SHORTCODES))
    closings = {tag[3].lower() for tag in tags if tag[2]}
    next_end = _next_ends(tags)
    parts: list[str] = []
    position = 0
    for place, tag in enumerate(tags):
        if tag.start() < position:
            continue  # inside a shortcode that was replaced
        parts.append(text[position : tag.start()])
        position = tag.end()
        name, end = tag[3].lower(), next_end[place]
        if tag[1] and tag[5]:
            parts.append(tag[0][1:-1])  # [[gallery]] is written to show [gallery]
        elif not tag[2] and (replacement := _replaced(text, tag, tags[end] if end >= 0 else None, found)) is not None:
            parts.append(tag[1] + replacement)
            if name in _PAIRED and end >= 0:
                position = tags[end].end()
        elif _is_shortcode(tag, closings):
            if not tag[2]:
                found.removed[f"shortcode [{name}]"] += 1
            parts.append(tag[1])
        else:
            parts.append(tag[0])
    parts.append(text[position:])
    return "".join(parts)


def _next_ends(tags: list[re.Match[str]]) -> list[int]:
    """Return, for each tag, the place of the next end tag of the same name; -1 if there is none."""
    ends: dict[str, int] = {}
    found = [-1] * len(tags)
    for place in range(len(tags) - 1, -1, -1):
        name = tags[place][3].lower()
        if tags[place][2]:
            ends[name] = place
        else:
            found[place] = ends.get(name, -1)
    return found


def _is_shortcode(tag: re.Match[str], closings: set[str]) -> bool:
    """Return whether a bracket is a shortcode and no prose: it has attributes, an end tag or a `_` in its name."""
    name = tag[3].lower()
    if tag[2] or name in closings or name in _ALWAYS_SHORTCODES:
        return True
    return "_" in name or _ATTRIBUTE.search(tag[4]) is not None


def _replaced(text: str, tag: re.Match[str], end: re.Match[str] | None, found: Converted) -> str | None:
    """Return the HTML of a known shortcode; None if it is unknown or has no address."""
    name = tag[3].lower()
    attributes = {each[1].lower(): each[2] or each[3] or each[4] or "" for each in _ATTRIBUTE.finditer(tag[4])}
    if name in ("caption", "wp_caption"):
        words = attributes.get("caption", "")
        return _captioned(text[tag.end() : end.start()], words) if end is not None else None
    if name == "gallery":
        return _gallery(attributes, found)
    if name not in _PAIRED:
        return None
    inner = text[tag.end() : min(end.start(), tag.end() + _MAX_INNER_CHARS)] if end is not None else ""
    if name in ("video", "audio"):
        address = next((attributes[each] for each in _MEDIA_ATTRIBUTES if attributes.get(each)), "") or _first_url(
            inner
        )
        return _player(name, address)
    if name == "embed":
        return _player("oembed", _first_url(inner) or attributes.get("src", ""))
    return _player("oembed", _address_of(name, attributes, f"{tag[4]} {inner}"))


def _gallery(attributes: dict[str, str], found: Converted) -> str:
    ids = [each.strip() for each in attributes.get("ids", attributes.get("include", "")).split(",") if each.strip()]
    found.galleries += ids[:100]
    found.has_gallery_of_parent |= not ids
    return ""


def _captioned(inner: str, caption: str) -> str:
    """Return a figure: the picture, with its link, and then the caption."""
    picture = inner[: _end_of_picture(inner)] if "<img" in inner.lower() else ""
    words = prose.unescaped(caption) or inner[len(picture) :].strip()
    return f"\n<figure>{picture.strip()}<figcaption>{words}</figcaption></figure>\n"


def _end_of_picture(inner: str) -> int:
    """Return the end of the first picture, or of the link around it."""
    lower = inner.lower()
    end = lower.find(">", lower.find("<img")) + 1
    end = end or len(inner)
    rest = lower[end:]
    if "<a" in lower[:end] and (link := rest.find("</a>")) >= 0 and "<" not in rest[:link].strip():
        return end + link + 4
    return end


def _address_of(name: str, attributes: dict[str, str], words: str) -> str:
    if address := _first_url(words):
        return address
    template = _PLAYERS_BY_ID[name]
    identifier = attributes.get("id") or words.strip().lstrip("=").strip("\"' ")
    return template.format(identifier) if template and _PLAYER_ID.fullmatch(identifier) else ""


def _first_url(words: str) -> str:
    found = _URL.search(html.unescape(words[: 2 * _MAX_INNER_CHARS]))
    return found[0] if found else ""


def _player(element: str, address: str) -> str | None:
    if not address.startswith(("http://", "https://")):
        return None
    attribute = "url" if element == "oembed" else "src"
    return f'\n\n<{element} {attribute}="{html.escape(address)}"></{element}>\n\n'


def _player_or_link(line: re.Match[str]) -> str:
    """Return a link that stands alone on its line as a player, as WordPress does, or else as a link."""
    address = prose.unescaped(line[1])
    host = _HOST.match(address)
    if host and host[1].lower() in _PLAYER_HOSTS:
        return f'<oembed url="{html.escape(address)}"></oembed>'
    return f'<a href="{html.escape(address)}">{html.escape(address)}</a>'
