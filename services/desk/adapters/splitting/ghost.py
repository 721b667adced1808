"""Splits Ghost's export: one post with its tags, authors and meta data, again in the form of an export.

The tables that join posts with tags and authors may come after the posts. So a first pass stores the small tables in a
temporary database. Of the users' rows only id, name and slug are sent: no password hash and no e-mail address.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.desk.adapters.splitting.files import CountedFile
from services.desk.adapters.splitting.json_rows import json_rows
from services.desk.domain.imports import MAX_LINE_BYTES, ImportLine
from services.desk.ports import ImportFileError

_JOINED = {"posts_tags": ("tags", "tag_id"), "posts_authors": ("users", "author_id")}
_SMALL_TABLES = ("tags", "users", "posts_tags", "posts_authors", "posts_meta")
_PUBLIC_FIELDS = {"users": ("id", "name", "slug", "visibility"), "tags": ("id", "name", "slug", "visibility")}
_FRAMES = ("db.item.data.", "data.")
_POSTS = "posts.item"
_VERSIONS = ("db.item.meta.version", "meta.version")
_MAX_ROWS = 200  # of one table for one post
_TABLES = "CREATE TABLE entries (name TEXT, key TEXT, row TEXT); CREATE INDEX by_key ON entries (name, key);"


def split_ghost(path: Path) -> Iterator[ImportLine]:
    """Yield the posts of an export, or of a file for Ghost's importer.

    Raises:
        ImportFileError: the file cannot be read, is not JSON or has no posts.
    """
    with TemporaryDirectory(prefix="pressline-import-") as folder, closing(_database(Path(folder))) as database:
        version = _store_tables(path, database)
        wanted = {_POSTS, *(f"{frame}{_POSTS}" for frame in _FRAMES)}
        number = 0
        with CountedFile(path) as stream:
            for number, (prefix, post) in enumerate(json_rows(stream, path, wanted), 1):
                is_export = prefix != _POSTS and isinstance(post, dict)
                part = _part(post, version, database) if is_export else {"posts": [post]}
                raw = json.dumps(part, ensure_ascii=False).encode("utf-8", "replace")
                yield ImportLine(number, stream.position, raw if len(raw) <= MAX_LINE_BYTES else None)
        if not number:
            raise ImportFileError(f"{path} is no export of Ghost: it has no posts")


def _database(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "tables.sqlite", isolation_level=None)
    database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4000;" + _TABLES)
    return database


def _store_tables(path: Path, database: sqlite3.Connection) -> str:
    """Store the rows of the small tables by the id that finds them; return the version of Ghost."""
    names = {f"{frame}{table}.item": table for frame in _FRAMES for table in _SMALL_TABLES}
    version = ""
    database.execute("BEGIN")
    with CountedFile(path) as stream:
        for prefix, row in json_rows(stream, path, {*names, *_VERSIONS}):
            if prefix in _VERSIONS:
                version = str(row)
            elif isinstance(row, dict):
                table = names[prefix]
                fields = _PUBLIC_FIELDS.get(table)
                kept = {name: row[name] for name in fields if name in row} if fields else row
                key = str(row.get("id" if fields else "post_id"))
                database.execute("INSERT INTO entries VALUES (?, ?, ?)", (table, key, json.dumps(kept)))
    database.execute("COMMIT")
    return version


def _part(post: dict[str, Any], version: str, database: sqlite3.Connection) -> dict[str, Any]:
    number = str(post.get("id"))
    data: dict[str, list[Any]] = {"posts": [post], "posts_meta": _rows(database, "posts_meta", number)}
    for table, (other, column) in _JOINED.items():
        data[table] = _rows(database, table, number)
        keys = dict.fromkeys(str(row.get(column)) for row in data[table])
        if other == "users" and "author_id" in post:
            keys[str(post["author_id"])] = None
        data[other] = [row for key in keys for row in _rows(database, other, key)]
    return {"db": [{"meta": {"version": version}, "data": data}]}


def _rows(database: sqlite3.Connection, table: str, key: str) -> list[Any]:
    query = "SELECT row FROM entries WHERE name = ? AND key = ? LIMIT ?"
    return [json.loads(row) for (row,) in database.execute(query, (table, key, _MAX_ROWS))]
