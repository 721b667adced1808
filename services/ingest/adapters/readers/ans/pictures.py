"""Pictures and players of a story: images, galleries, videos and sounds, in the body or as promotion."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from services.ingest.adapters.readers.addresses import is_web_address
from services.ingest.adapters.readers.ans.story import Story
from services.ingest.adapters.readers.ans.taxonomy import title_of
from services.ingest.adapters.readers.ans.texts import line_of, names_in
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import PictureFile, SentPicture, set_pictures
from services.ingest.adapters.readers.values import Item, text_of, whole_number
from services.ingest.domain.pointers import pointer

_LEADS = ("lead_art", "basic", "lead", "image")
_MAX_PROMOTED = 20
_MAX_PICTURES = 100
_MP4 = "mp4"
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
NOT_INFLATED = "is a reference that is not inflated"


def picture_of(item: Item, where: str, *, is_lead: bool = False) -> SentPicture:
    """Return an image as the sender described it."""
    url = text_of(item.get("url")) or ""
    file = PictureFile(where + pointer("url"), url, whole_number(item.get("width")) or 0)
    return SentPicture(
        where=where,
        files=[file] if url else [],
        caption=line_of(item.get("caption")) or line_of(item.get("subtitle")),
        credit=names_in(item) or line_of(item.get("copyright")),
        alt=line_of(item.get("alt_text")),
        is_lead=is_lead,
    )


def figure_of(picture: SentPicture) -> str:
    """Return a picture as a figure; empty if it has no address."""
    if not picture.files:
        return ""
    words = " ".join(html.escape(each, quote=False) for each in (picture.caption, picture.credit) if each)
    caption = f"<figcaption>{words}</figcaption>" if words else ""
    address, alt = html.escape(picture.files[0].href), html.escape(picture.alt or "")
    return f'<figure><img src="{address}" alt="{alt}">{caption}</figure>'


def player_address(item: Item) -> str | None:
    """Return the address of a video or sound that a page can link to: YouTube, a file, or the item's own page."""
    youtube = text_of(item.get("youtube_content_id"))
    if youtube and _YOUTUBE_ID.fullmatch(youtube):
        return f"https://www.youtube.com/embed/{youtube}"
    streams = item.get("streams")
    files = [each for each in streams if isinstance(each, dict)] if isinstance(streams, list) else []
    files.sort(key=lambda each: (text_of(each.get("stream_type")) != _MP4, -(whole_number(each.get("bitrate")) or 0)))
    for address in (
        *(text_of(each.get("url")) for each in files),
        *(text_of(item.get(name)) for name in ("source_url", "canonical_url")),
    ):
        if address and is_web_address(address):
            return address
    return None


def read_pictures(story: Story, builder: ArticleBuilder, in_body: list[SentPicture]) -> None:
    """Set the lead picture from the promotion, and the pictures of the body; the same picture counts once."""
    found = [*_promoted(story, builder), *in_body]
    seen: set[str] = set()
    pictures = []
    for each in found:
        address = each.files[0].href if each.files else ""
        if address in seen:
            builder.confirm(each.where)
            continue
        seen.update({address} if address else ())
        pictures.append(each)
    for each in pictures[_MAX_PICTURES:]:
        builder.drop(each.where, f"is beyond the {_MAX_PICTURES} pictures of an article")
    set_pictures(builder, pictures[:_MAX_PICTURES])


def _promoted(story: Story, builder: ArticleBuilder) -> Iterator[SentPicture]:
    """Yield the lead picture of the promotion, or the pictures of its gallery; a video becomes an embed."""
    given = story.item.get("promo_items")
    items = dict(list(given.items())[:_MAX_PROMOTED]) if isinstance(given, dict) else {}
    names = [name for name in (*_LEADS, *items) if name in items]
    has_lead = False
    for name in dict.fromkeys(names):
        item, where = items[name], story.at("promo_items", name)
        if item in (None, {}, []):
            continue
        if not isinstance(item, dict):
            builder.drop(where, "is not an object")
            continue
        pictures = list(_pictures_of(item, where, builder, is_lead=not has_lead))
        if pictures and has_lead:
            builder.drop(where, "another promotional picture is used")
            continue
        has_lead = has_lead or bool(pictures)
        yield from pictures


def _pictures_of(item: Item, where: str, builder: ArticleBuilder, *, is_lead: bool) -> Iterator[SentPicture]:
    kind = (text_of(item.get("type")) or "").lower()
    if kind == "image":
        yield picture_of(item, where, is_lead=is_lead)
    elif kind in ("video", "audio"):
        _add_embed(item, kind, where, builder)
        yield from _inner_picture(item, where, is_lead=is_lead)
    elif kind in ("gallery", "story"):
        inner = list(_inner_picture(item, where, is_lead=is_lead))
        yield from inner
        if not inner:
            builder.drop(where, f"has no picture of the {kind}")
    elif kind == "reference":
        builder.drop(where, NOT_INFLATED)
    else:
        builder.drop(where, f"promotional items of type {kind[:40]!a} are not used")


def _inner_picture(item: Item, where: str, *, is_lead: bool) -> Iterator[SentPicture]:
    """Yield the picture that stands for a video or gallery."""
    promoted = item.get("promo_items")
    candidates: list[tuple[object, str]] = [(item.get("promo_image"), where + pointer("promo_image"))]
    if isinstance(promoted, dict):
        candidates.append((promoted.get("basic"), where + pointer("promo_items", "basic")))
    elements = item.get("content_elements")
    if isinstance(elements, list) and elements:
        candidates.append((elements[0], where + pointer("content_elements", 0)))
    for candidate, here in candidates:
        if isinstance(candidate, dict) and text_of(candidate.get("url")):
            yield picture_of(candidate, here, is_lead=is_lead)
            return


def _add_embed(item: Item, kind: str, where: str, builder: ArticleBuilder) -> None:
    address = player_address(item)
    if address:
        builder.add_entry("embeds", {"url": address, "kind": kind, "title": title_of(item)}, where)
    else:
        builder.drop(where, f"the {kind} has no address for readers")
