"""The forms of Ghost's JSON, and the posts in each of them with their tags, authors and meta data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain.pointers import pointer

_POST_FIELDS = frozenset({"html", "lexical", "mobiledoc", "plaintext", "custom_excerpt", "published_at"})
_GHOST_FIELDS = frozenset(
    {"uuid", "comment_id", "feature_image", "visibility", "custom_excerpt", "lexical", "mobiledoc", "primary_tag"}
)
_FIRST_WITH_VISIBILITY = 3
_MAJOR = re.compile(r"v?(\d{1,3})(?!\d)", re.IGNORECASE | re.ASCII)
_MAX_VERSION_CHARS = 20
_MAX_NAMES = 100


@dataclass(frozen=True, slots=True)
class Dialect:
    """A form of document. `is_live`: a message of a running system. `has_old_addresses`: the site moves away.

    `has_visibility`: each post of this form states its visibility; Ghost does so since version 3.
    """

    format_name: str
    is_live: bool = False
    has_old_addresses: bool = False
    has_visibility: bool = True


@dataclass(frozen=True, slots=True)
class Named:
    """The name of an author or a tag, and the pointer to it."""

    name: str
    slug: str
    origin: str
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A post with the tags, authors and meta data that belong to it; `url` is its former address."""

    origin: str
    post: Item
    tags: tuple[Named, ...] = ()
    authors: tuple[Named, ...] = ()
    meta: Item = field(default_factory=dict)
    url: str = ""
    url_origin: str = ""


def find_dialect(value: Item | None) -> Dialect | None:
    """Return the form of a document; None if it is not Ghost's."""
    if value is None:
        return None
    found = _export_in(value)
    if found is not None:
        _, database = found
        meta = database.get("meta")
        version = text_of(meta.get("version")) if isinstance(meta, dict) else None
        name = f"ghost-{(version or 'export')[:_MAX_VERSION_CHARS]}"
        return Dialect(name, has_old_addresses=True, has_visibility=_major_of(version) >= _FIRST_WITH_VISIBILITY)
    for name in ("post", "page"):
        hook = value.get(name)
        if isinstance(hook, dict) and ("current" in hook or "previous" in hook):
            return Dialect("ghost-webhook", is_live=True)
    posts = value.get("posts")
    if isinstance(posts, list) and posts and isinstance(posts[0], dict):
        first: Item = posts[0]
        if isinstance(first.get("data"), dict) and "url" in first:
            return Dialect("ghost-migrate", has_old_addresses=True, has_visibility=False)
        if _is_post(first):
            return Dialect("ghost-api", is_live=len(posts) == 1)
    return Dialect("ghost-api", is_live=True) if _is_post(value) else None


def _major_of(version: str | None) -> int:
    """Return the first number of a version; 0 if there is none, as in files that other systems write."""
    found = _MAJOR.match(version or "")
    return int(found[1]) if found else 0


def deleted_in(value: Item) -> Item | None:
    """Return the former state of a post that a webhook reports as deleted, otherwise None."""
    hook = value.get("post")
    if not isinstance(hook, dict) or hook.get("current"):
        return None
    previous = hook.get("previous")
    return previous if isinstance(previous, dict) and previous else None


def parts_of(value: Item, dialect: Dialect) -> list[Part]:
    """Return the posts of a document, in its order."""
    if (found := _export_in(value)) is not None:
        return list(_exported(*found))
    for name in ("post", "page"):
        hook = value.get(name)
        if isinstance(hook, dict) and ("current" in hook or "previous" in hook):
            current = hook.get("current")
            post: dict[str, Any] = current if isinstance(current, dict) else {}
            return [_from_api(f"/{name}/current", post | ({"type": "page"} if name == "page" else {}))]
    posts = value.get("posts")
    if not isinstance(posts, list):
        return [_from_api("", value)]
    parts = [(pointer("posts", place), each) for place, each in enumerate(posts) if isinstance(each, dict)]
    if dialect.format_name == "ghost-migrate":
        return [_from_migration(where, each) for where, each in parts]
    return [_from_api(where, each) for where, each in parts]


def _is_post(item: Item) -> bool:
    is_ghost = not _GHOST_FIELDS.isdisjoint(item)
    return "title" in item and "slug" in item and is_ghost and not _POST_FIELDS.isdisjoint(item)


def _export_in(value: Item) -> tuple[str, Item] | None:
    """Return the database of an export, and the pointer to it: `{db: [{meta, data}]}`, or its only entry alone."""
    databases = value.get("db")
    if isinstance(databases, list) and databases and isinstance(databases[0], dict):
        database: Item = databases[0]
        return ("/db/0", database) if _has_posts(database) else None
    return ("", value) if "meta" in value and _has_posts(value) else None


def _has_posts(database: Item) -> bool:
    data = database.get("data")
    return isinstance(data, dict) and isinstance(data.get("posts"), list)


def _exported(where: str, database: Item) -> Iterator[Part]:
    """Yield the posts of an export; its tables are joined by id."""
    data: Item = database["data"]
    tags, users = _by_id(data, "tags", where), _by_id(data, "users", where)
    tags_of, authors_of = _joined(data, "posts_tags", "tag_id"), _joined(data, "posts_authors", "author_id")
    meta = {str(each.get("post_id")): each for _, each in _rows(data, "posts_meta", where)}
    for origin, post in _rows(data, "posts", where):
        number = str(post.get("id"))
        authors = authors_of.get(number) or [str(post.get("author_id"))]
        yield Part(
            origin,
            post,
            tags=tuple(tags[each] for each in tags_of.get(number, ()) if each in tags)[:_MAX_NAMES],
            authors=tuple(users[each] for each in authors if each in users)[:_MAX_NAMES],
            meta=meta.get(number, {}),
        )


def _rows(data: Item, table: str, where: str) -> Iterator[tuple[str, Item]]:
    rows = data.get(table)
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield where + pointer("data", table, place), row


def _by_id(data: Item, table: str, where: str) -> dict[str, Named]:
    return {str(row.get("id")): named for origin, row in _rows(data, table, where) for named in _named(row, origin)}


def _joined(data: Item, table: str, column: str) -> dict[str, list[str]]:
    """Return the ids that a table joins to each post, in the order of the post's list."""
    found: dict[str, list[tuple[int, str]]] = {}
    for _, row in _rows(data, table, ""):
        order = row.get("sort_order")
        place = order if isinstance(order, int) else 0
        found.setdefault(str(row.get("post_id")), []).append((place, str(row.get(column))))
    return {post: [each for _, each in sorted(rows, key=lambda row: row[0])] for post, rows in found.items()}


def _named(row: object, origin: str) -> Iterator[Named]:
    if isinstance(row, dict) and (name := text_of(row.get("name"))):
        is_internal = row.get("visibility") == "internal" or name.startswith("#")
        yield Named(name, text_of(row.get("slug")) or "", origin, is_internal)


def _from_api(where: str, post: Item) -> Part:
    return Part(
        where,
        post,
        tags=tuple(_listed(post, "tags", "primary_tag", where)),
        authors=tuple(_listed(post, "authors", "primary_author", where)),
        meta=post,
    )


def _listed(post: Item, many: str, one: str, where: str) -> Iterator[Named]:
    values = post.get(many)
    if isinstance(values, list) and values:
        for place, each in enumerate(values[:_MAX_NAMES]):
            yield from _named(each, where + pointer(many, place))
    else:
        yield from _named(post.get(one), where + pointer(one))


def _from_migration(where: str, entry: Item) -> Part:
    """Return a post of a file for Ghost's importer: each object is wrapped as `{url, data}`."""
    post = entry.get("data")
    item: Item = post if isinstance(post, dict) else {}
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    return Part(
        f"{where}/data",
        item,
        tags=tuple(_wrapped(item.get("tags"), f"{where}/data/tags")),
        authors=tuple(_wrapped(authors, f"{where}/data/author")),
        meta=item,
        url=text_of(entry.get("url")) or "",
        url_origin=f"{where}/url",
    )


def _wrapped(values: object, where: str) -> Iterator[Named]:
    entries: Iterable[object] = values[:_MAX_NAMES] if isinstance(values, list) else ()
    for place, each in enumerate(entries):
        if isinstance(each, dict):
            yield from _named(each.get("data", each), where + pointer(place))
