"""Splits WordPress's export: one item with the facts of the site, its author and the attachments that it uses.

A post may use an attachment that comes later in the file. So a first pass stores the attachments in a temporary
database, and a second pass makes the parts. Readers' comments and e-mail addresses are not sent.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from services.desk.adapters.splitting.files import CleanXml, child_text, elements_of, line_of, local_name, same_element
from services.desk.domain.imports import MAX_LINE_BYTES, ImportLine

_HEADER = frozenset({"title", "link", "language", "wxr_version", "base_site_url", "base_blog_url", "generator"})
_NUMBERS = re.compile(r"""(?:\b(?:ids|include)\s{0,5}=\s{0,5}["']?|"ids"\s{0,5}:\s{0,5}\[)([\d,\s"]{1,2000})""")
_MAX_ATTACHMENTS = 100  # of one post
_TABLES = """
CREATE TABLE attachments (number TEXT PRIMARY KEY, parent TEXT, xml TEXT);
CREATE INDEX by_parent ON attachments (parent);
CREATE TABLE guids (guid TEXT PRIMARY KEY, number TEXT);
"""


def split_wxr(path: Path) -> Iterator[ImportLine]:
    """Yield the items of an export; attachments have no bytes, because they go with the posts that use them.

    Raises:
        ImportFileError: the file cannot be read or is not well-formed.
    """
    with TemporaryDirectory(prefix="pressline-import-") as folder, closing(_database(Path(folder))) as database:
        _store_attachments(path, database)
        with CleanXml(path) as stream:
            channel: _Channel | None = None
            for number, item in enumerate(elements_of(stream, path, "item"), 1):
                channel = channel or _Channel(item)
                if _is_attachment(item):
                    yield ImportLine(number, stream.position, b"")
                    continue
                raw = line_of(channel.part(item, database))
                yield ImportLine(number, stream.position, raw if len(raw) <= MAX_LINE_BYTES else None)


def _database(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "attachments.sqlite", isolation_level=None)
    database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4000;" + _TABLES)
    return database


def _store_attachments(path: Path, database: sqlite3.Connection) -> None:
    database.execute("BEGIN")
    with CleanXml(path) as stream:
        for item in elements_of(stream, path, "item"):
            if _is_attachment(item) and (number := child_text(item, "post_id")):
                row = (
                    number,
                    child_text(item, "post_parent"),
                    etree.tostring(item, encoding="unicode", with_tail=False),
                )
                database.execute("INSERT OR IGNORE INTO attachments VALUES (?, ?, ?)", row)
    database.execute("COMMIT")


def _is_attachment(item: etree._Element) -> bool:
    return child_text(item, "post_type") == "attachment"


class _Channel:
    """The facts of the site, which each part repeats."""

    def __init__(self, first_item: etree._Element) -> None:
        channel = first_item.getparent()
        self._before = [each for each in channel if each is not first_item] if channel is not None else []
        root = channel.getparent() if channel is not None else None
        self._root = same_element(root) if root is not None else etree.Element("rss")
        self._channel = same_element(channel) if channel is not None else etree.Element("channel")
        self._header = [deepcopy(each) for each in self._before if local_name(each) in _HEADER]
        self._authors = {
            child_text(each, "author_login"): _public(each) for each in self._before if local_name(each) == "author"
        }
        self._before.clear()

    def part(self, item: etree._Element, database: sqlite3.Connection) -> etree._Element:
        """Return a document with one item; its attachments are inside of the item."""
        root, channel = same_element(self._root), same_element(self._channel)
        root.append(channel)
        channel.extend(deepcopy(self._header))
        logins = {child_text(item, "creator"), *((each.get("nicename") or "").removeprefix("cap-") for each in item)}
        channel.extend(deepcopy(author) for login, author in self._authors.items() if login in logins)
        copy = deepcopy(item)
        for comment in [each for each in copy if local_name(each) == "comment"]:
            copy.remove(comment)
        _number_copied_guid(copy, database)
        for xml in _attachments_of(copy, database):
            copy.append(etree.fromstring(xml))
        channel.append(copy)
        return root


def _public(author: etree._Element) -> etree._Element:
    copy = deepcopy(author)
    for each in [each for each in copy if local_name(each) == "author_email"]:
        copy.remove(each)
    return copy


def _number_copied_guid(item: etree._Element, database: sqlite3.Connection) -> None:
    """Add the post's number to a guid that an earlier post has: two posts must not become one article."""
    guid = next((each for each in item if local_name(each) == "guid"), None)
    number = child_text(item, "post_id")
    if guid is None or not (text := (guid.text or "").strip()):
        return
    database.execute("INSERT OR IGNORE INTO guids VALUES (?, ?)", (text, number))
    (owner,) = database.execute("SELECT number FROM guids WHERE guid = ?", (text,)).fetchone()
    if owner != number:
        guid.text = f"{text}#{number}"


def _attachments_of(item: etree._Element, database: sqlite3.Connection) -> Iterator[str]:
    """Yield the attachments that an item uses: the featured picture, and the pictures of its galleries."""
    numbers: dict[str, None] = {}
    text = ""
    for child in item:
        name = local_name(child)
        if name == "postmeta" and child_text(child, "meta_key") == "_thumbnail_id":
            numbers[child_text(child, "meta_value")] = None
        elif name == "encoded":
            text += child.text or ""
    for found in _NUMBERS.finditer(text):
        numbers |= dict.fromkeys(each.strip(' "') for each in found[1].split(","))
    for number in list(numbers)[:_MAX_ATTACHMENTS]:
        yield from (xml for (xml,) in database.execute("SELECT xml FROM attachments WHERE number = ?", (number,)))
    if "[gallery" in text:
        query = "SELECT number, xml FROM attachments WHERE parent = ? LIMIT ?"
        for number, xml in database.execute(query, (child_text(item, "post_id"), _MAX_ATTACHMENTS)).fetchall():
            if number not in numbers:
                yield xml
