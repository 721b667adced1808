"""Pictures, sound and video of an entry: enclosures and Media RSS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from services.ingest.adapters.readers.addresses import address_of
from services.ingest.adapters.readers.facts import PictureFile, SentPicture
from services.ingest.adapters.readers.syndication.entry import Player, SentEntry
from services.ingest.adapters.readers.syndication.parts import Child, base_of, children_of
from services.ingest.adapters.readers.syndication.titles import headline_of
from services.ingest.adapters.readers.values import whole_number

_EXTENSION = re.compile(r"\.([a-z0-9]{2,5})(?:$|[?#])", re.IGNORECASE)
_KINDS = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "avif", "svg"), "image"),
    **dict.fromkeys(("mp3", "m4a", "ogg", "oga", "wav", "aac", "opus"), "audio"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "m3u8"), "video"),
}
_NOT_ACTIVE = frozenset({"blocked", "deleted"})


@dataclass(slots=True)
class _Group:
    """Files of one picture or player, with the texts that Media RSS puts around them."""

    where: str
    files: list[tuple[str, PictureFile]] = field(default_factory=list)
    title: str | None = None
    caption: str | None = None
    credits: list[str] = field(default_factory=list)
    thumbnails: list[PictureFile] = field(default_factory=list)
    is_blocked: bool = False


def kind_of(media_type: str, url: str, medium: str = "") -> str:
    """Return `image`, `audio`, `video` or an empty text, by the media type, otherwise by the file's extension."""
    for word in (medium.lower(), media_type.lower().partition("/")[0]):
        if word in ("image", "audio", "video"):
            return word
    found = _EXTENSION.search(url[-200:])
    return _KINDS.get(found[1].lower(), "") if found else ""


def add_file(entry: SentEntry, where: str, url: str, media_type: str, title: str | None = None, width: int = 0) -> None:
    """Add a file that the feed names beside the text: a picture, or a player as podcasts have it."""
    kind = kind_of(media_type, url)
    if not url:
        entry.drop(where, "has no address")
    elif kind == "image":
        entry.pictures.append(SentPicture(where, [PictureFile(where, url, width)]))
    elif kind in ("audio", "video"):
        entry.players.append(Player(url, "audio" if kind == "audio" else "video", where, title, is_enclosure=True))
    else:
        entry.drop(where, "is neither a picture nor sound nor video")


def add_media(entry: SentEntry, parts: Iterable[Child], base: str) -> None:
    """Add the elements of Media RSS at an entry; loose texts and thumbnails belong to the first picture."""
    loose = _Group(entry.where)
    groups: list[_Group] = []
    for part in parts:
        if part.key == "media:content":
            groups.append(_content(part, base))
        elif part.key == "media:group":
            groups += _parts_of_group(part, base)
        else:
            _read_text(loose, part, base, entry)
    if not groups and loose.thumbnails:
        groups = [replace(loose, where=loose.thumbnails[0].where)]
    for index, group in enumerate(groups):
        _add_group(entry, group, loose if index == 0 else _Group(""))


def _content(part: Child, base: str) -> _Group:
    group = _Group(part.where)
    url = address_of(part.attribute("url"), base_of(part.element, base))
    kind = kind_of(part.attribute("type"), url, part.attribute("medium")) or "image"
    if part.attribute("url"):
        group.files.append((kind, PictureFile(part.where, url, whole_number(part.attribute("width")) or 0)))
    for inner in children_of(part.element, part.where):
        _read_text(group, inner, base)
    return group


def _parts_of_group(part: Child, base: str) -> Iterator[_Group]:
    """Yield one group per kind of file: the renditions of a picture belong together."""
    around = _Group(part.where)
    contents: list[_Group] = []
    for inner in children_of(part.element, part.where):
        if inner.key == "content":
            contents.append(_content(replace(inner, key="media:content"), base))
        else:
            _read_text(around, inner, base)
    by_kind: dict[str, _Group] = {}
    for content in contents:
        for kind, file in content.files:
            group = by_kind.setdefault(kind, replace(around, files=[], credits=[*around.credits]))
            group.files.append((kind, file))
            group.caption, group.title = group.caption or content.caption, group.title or content.title
            group.credits += [each for each in content.credits if each not in group.credits]
    yield from by_kind.values()
    if not by_kind and around.thumbnails:
        yield around


def _read_text(group: _Group, part: Child, base: str, entry: SentEntry | None = None) -> None:
    name = part.key.removeprefix("media:")
    if name == "thumbnail":
        url = address_of(part.attribute("url") or part.text, base_of(part.element, base))
        group.thumbnails.append(PictureFile(part.where, url, whole_number(part.attribute("width")) or 0))
    elif name in ("description", "text"):
        group.caption = group.caption or headline_of(part.text) or None
    elif name == "title":
        group.title = headline_of(part.text) or None
    elif name in ("credit", "copyright"):
        line = headline_of(part.text)
        if line and line not in group.credits:
            group.credits.append(line)
    elif name == "status":
        group.is_blocked = part.attribute("state").lower() in _NOT_ACTIVE
    elif entry is not None:
        entry.drop(part.where, "is not used")


def _add_group(entry: SentEntry, group: _Group, loose: _Group) -> None:
    if group.is_blocked:
        entry.drop(group.where, "is blocked or deleted by its own status")
        return
    pictures = [file for kind, file in group.files if kind == "image"]
    for kind, file in group.files:
        if kind != "image":
            title = group.title or loose.title
            entry.players.append(Player(file.href, "audio" if kind == "audio" else "video", file.where, title))
    is_picture = bool(pictures) or not group.files
    files = pictures or group.thumbnails or loose.thumbnails
    if files:
        lines = group.credits or loose.credits
        caption = group.caption or loose.caption or (group.title or loose.title if is_picture else None)
        entry.pictures.append(SentPicture(group.where, files, caption, ", ".join(lines) or None))
