"""Reads JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.ingest.adapters.readers.addresses import address_of, is_web_address
from services.ingest.adapters.readers.entries import MAX_ENTRIES
from services.ingest.adapters.readers.facts import PictureFile, SentPicture
from services.ingest.adapters.readers.syndication.about import JSON_FEED
from services.ingest.adapters.readers.syndication.articles import read_entries
from services.ingest.adapters.readers.syndication.entry import Part, Person, SentEntry, State, Text
from services.ingest.adapters.readers.syndication.media import add_file
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_VERSION = re.compile(r"^https?://(?:www\.)?jsonfeed\.org/version/(\d+(?:\.\d+)?)/?$", re.IGNORECASE)
_FEED_FIELDS = frozenset({"feed_url", "home_page_url"})
_TEXT_FIELDS = frozenset({"title", "summary", "content_html", "content_text", "language"})
_USED_FIELDS = _TEXT_FIELDS | {
    *("id", "url", "external_url", "image", "banner_image", "date_published", "date_modified"),
    *("author", "authors", "tags", "attachments"),
}
_HIDDEN_MARKS = frozenset({"draft", "private", "is_draft", "is_private", "members_only"})
_HIDDEN_WORDS = frozenset({"draft", "private", "pending", "scheduled", "future", "trash", "members", "paid", "hidden"})
_MAX_PARTS, _MAX_TAGS = 100, 500


class JsonFeedReader:
    """Reads JSON Feed."""

    format = JSON_FEED

    def recognises(self, document: Document) -> bool:
        """Return whether the document declares JSON Feed, or has `items` beside an address of a feed."""
        feed = document.find_json_object()
        if feed is None:
            return False
        return _version_of(feed) is not None or (
            isinstance(feed.get("items"), list) and bool(_FEED_FIELDS & feed.keys())
        )

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return an entry for each item.

        Raises:
            RefusedError: 400 no JSON, 413 too many items, 422 no item or the only one is no valid article.
        """
        feed = document.json()
        if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
            raise unacceptable([Fault("/items", "must be a list: a JSON Feed is an object with items")])
        base = _web_address(feed, "home_page_url") or _web_address(feed, "feed_url")
        warnings = list(_warnings_of(feed))
        items = feed["items"][: MAX_ENTRIES + 1]
        entries = [_entry_of(item, feed, pointer("items", index), base, warnings) for index, item in enumerate(items)]
        return read_entries(entries, f"json-feed-{_version_of(feed) or '1'}", context)


def _version_of(feed: Item) -> str | None:
    found = _VERSION.match(text_of(feed.get("version")) or "")
    return found[1] if found else None


def _web_address(item: Item, name: str, base: str = "") -> str:
    address = address_of(text_of(item.get(name)) or "", base)
    return address if is_web_address(address) else ""


def _warnings_of(feed: Item) -> Iterator[str]:
    if feed.get("expired") is True:
        yield "the feed states that it has ended: expired is true"
    if text_of(feed.get("next_url")):
        yield "the feed has a further page of entries: next_url"


def _entry_of(item: object, feed: Item, where: str, base: str, warnings: list[str]) -> SentEntry:
    entry = SentEntry(where, warnings=[*warnings])
    if not isinstance(item, dict):
        entry.drop(where, "is not an object")
        return entry
    _read_identity(entry, item, where, base)
    home = entry.links[0].value if entry.links else base
    _read_texts(entry, item, where, home)
    for name, times in (("date_published", entry.published), ("date_modified", entry.updated)):
        if item.get(name) not in (None, ""):
            times.append(Part(str(item[name])[:200], where + pointer(name)))
    entry.people = [*_people_of(item, where)] or [*_people_of(feed, "")]
    _read_tags(entry, item.get("tags"), where + pointer("tags"))
    _read_media(entry, item, where, home)
    language = text_of(item.get("language"))
    inherited = text_of(feed.get("language"))
    if language or inherited:
        entry.language = Part(language or inherited or "", where + "/language" if language else "/language")
    entry.state = _state_of(item, where)
    for name, value in item.items():
        if "embargo" in name.lower() and value:
            entry.embargo.append(Part(str(value)[:200], where + pointer(name)))
        elif name not in _USED_FIELDS and value not in (None, "", [], {}):
            entry.drop(where + pointer(name), "is an extension" if name.startswith("_") else "is not used")
        elif name in _TEXT_FIELDS and value is not None and not isinstance(value, str):
            entry.drop(where + pointer(name), "is not text")
        if name.startswith("_") and isinstance(value, dict):
            entry.embargo += [
                Part(str(inner)[:200], where + pointer(name, key))
                for key, inner in list(value.items())[:_MAX_PARTS]
                if "embargo" in key.lower() and inner
            ]
    return entry


def _state_of(item: Item, where: str) -> State | None:
    """Return the state of an entry that its sender marks as not public, by fields or extensions of its own."""
    inner = [(pointer(name), each) for name, each in item.items() if name.startswith("_") and isinstance(each, dict)]
    for here, holder in (("", item), *inner[:_MAX_PARTS]):
        for name, value in list(holder.items())[: 2 * _MAX_PARTS]:
            key = name.lower().lstrip("_")
            is_word = key in ("status", "visibility") and (text_of(value) or "").lower() in _HIDDEN_WORDS
            if is_word or (key in _HIDDEN_MARKS and value is True):
                return State(
                    "held", f"the sender marks the entry as not public: {name[:40]}", where + here + pointer(name)
                )
    return None


def _read_identity(entry: SentEntry, item: Item, where: str, base: str) -> None:
    """Read id and url; an id that is a number is read as its digits, as the specification asks."""
    given = item.get("id")
    if isinstance(given, int | float) and not isinstance(given, bool):
        entry.warnings.append("the id is a number; it was read as text")
        given = f"{given:g}" if isinstance(given, float) else str(given)
    if name := text_of(given):
        entry.id = Part(name, where + "/id")
    elif given is not None:
        entry.drop(where + "/id", "is no text")
    if url := text_of(item.get("url")):
        entry.links.append(Part(address_of(url, base), where + "/url"))
    elif entry.id and is_web_address(entry.id.value):
        entry.links.append(entry.id)
    if item.get("external_url"):
        entry.drop(where + "/external_url", "is the address of another page that the entry is about")


def _read_texts(entry: SentEntry, item: Item, where: str, base: str) -> None:
    if title := text_of(item.get("title")):
        entry.title = Part(title, where + "/title")
    for name, is_html in (("content_html", True), ("content_text", False)):
        if text := text_of(item.get(name)):
            entry.contents.append(Text(text, where + pointer(name), is_html, base))
    if len(entry.contents) > 1:
        entry.drop(where + "/content_text", "the HTML form of the text is used")
        del entry.contents[1:]
    if summary := text_of(item.get("summary")):
        entry.summaries.append(Text(summary, where + "/summary", is_html=False))


def _people_of(item: Mapping[str, Any], where: str) -> Iterator[Person]:
    """Yield the authors: a list in 1.1, one object in 1.0."""
    authors = item.get("authors")
    found = authors if isinstance(authors, list) and authors else [item.get("author")]
    for index, author in enumerate(found[:_MAX_PARTS]):
        here = where + (pointer("authors", index) if found is authors else "/author")
        if isinstance(author, dict) and (name := text_of(author.get("name"))):
            url = text_of(author.get("url")) or ""
            yield Person(name, here, url[:500] if is_web_address(url) else None)


def _read_tags(entry: SentEntry, tags: object, where: str) -> None:
    if tags is None:
        return
    if not isinstance(tags, list):
        entry.drop(where, "is not a list")
        return
    for index, tag in enumerate(tags[:_MAX_TAGS]):
        if word := text_of(tag):
            entry.categories.append(Part(word, where + pointer(index)))
        else:
            entry.drop(where + pointer(index), "is not text")


def _read_media(entry: SentEntry, item: Item, where: str, base: str) -> None:
    """Read the pictures and attachments; `image` is the lead picture, `banner_image` a further one."""
    addresses = []
    for name in ("image", "banner_image"):
        address = address_of(text_of(item.get(name)) or "", base)
        if address and address not in addresses:
            entry.pictures.append(SentPicture(where + pointer(name), [PictureFile(where + pointer(name), address)]))
            addresses.append(address)
    attachments = item.get("attachments")
    for index, each in enumerate(attachments[:_MAX_PARTS] if isinstance(attachments, list) else ()):
        here = where + pointer("attachments", index)
        if isinstance(each, dict):
            url = address_of(text_of(each.get("url")) or "", base)
            add_file(entry, here, url, text_of(each.get("mime_type")) or "", text_of(each.get("title")))
        else:
            entry.drop(here, "is not an object")
