"""Reads posts as JSON: of WordPress's REST interface, alone or as a list, and as a hook's body (`post_title`, …)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import PictureFile, SentPicture
from services.ingest.adapters.readers.values import Item, text_of, whole_number
from services.ingest.adapters.readers.wordpress.about import REST_FORMAT
from services.ingest.adapters.readers.wordpress.article import read_post, set_identity
from services.ingest.adapters.readers.wordpress.post import NOTHING, Post, Sent, Term, Times
from services.ingest.adapters.readers.wordpress.restricted import find_restriction
from services.ingest.domain import prose
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext
from shared.model.article import Status

_NAME = "wordpress-rest-2"
_MAX_TERMS = 200
_USED = frozenset(
    {
        *("id", "ID", "guid", "type", "status", "title", "content", "excerpt", "slug", "link", "date", "date_gmt"),
        *("modified", "modified_gmt", "sticky", "lang", "yoast_head_json", "_embedded", "_links", "featured_media"),
        *("author", "categories", "tags", "password", "post_id", "post", "post_meta", "taxonomies", "permalink"),
        *("post_title", "post_content", "post_excerpt", "post_status", "post_type", "post_name", "post_date"),
        *("post_date_gmt", "post_modified", "post_modified_gmt", "post_author", "post_password", "post_permalink"),
        *("class_list", "format", "template", "comment_status", "ping_status", "filter", "to_ping", "pinged", "meta"),
        *("comment_count", "post_parent", "menu_order", "post_mime_type", "post_content_filtered", "post_thumbnail"),
        *("generated_slug", "permalink_template", "yoast_head", "post_category", "tags_input", "ancestors"),
    }
)


class WordpressReader:
    """Reads posts of a running WordPress as JSON."""

    format = REST_FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is a post, a wrapped post or a list of posts."""
        if not document.is_json:
            return False
        value = document.json()
        if isinstance(value, list):
            return any(isinstance(each, dict) and _is_post(each) for each in value[:3])
        return isinstance(value, dict) and (_is_post(value) or _is_post(_inner(value)[1]) or _is_deletion(value))

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the post, or an entry for each post of a list.

        Raises:
            RefusedError: 400, 413 or 422.
        """
        value = document.json()
        if isinstance(value, list):
            posts = [(pointer(place), each) for place, each in enumerate(value) if isinstance(each, dict)]
            return read_each(
                posts,
                lambda each: read_post(_post_of(each[0], each[1], {}), _NAME, context, is_live=False),
                lambda each: _words(each[1], "title", "post_title").text,
                _NAME,
            )
        if not isinstance(value, dict):
            raise unacceptable([Fault("", "must be a post as JSON, or a list of posts")])
        if _is_deletion(value):
            return [_deleted(value, context)]
        where, item = ("", value) if _is_post(value) else _inner(value)
        return [read_post(_post_of(where, item, value), _NAME, context, is_live=True)]


def _is_post(item: Item) -> bool:
    if "post_content" in item and ("post_status" in item or "post_type" in item):
        return True
    return isinstance(item.get("content"), dict) and "rendered" in item["content"] and "id" in item and "slug" in item


def _is_deletion(item: Item) -> bool:
    previous = item.get("previous")
    return item.get("deleted") is True and isinstance(previous, dict) and _is_post(previous)


def _inner(value: Item) -> tuple[str, Item]:
    """Return the post in a hook's body, and the pointer to it."""
    for name in ("post", "data"):
        inner = value.get(name)
        if isinstance(inner, dict) and _is_post(inner):
            return pointer(name), inner
    return "", {}


def _deleted(value: Item, context: ReadingContext) -> Entry:
    """Return the removal of a post that its system has deleted for good."""
    builder = ArticleBuilder(_NAME, context)
    set_identity(_post_of("/previous", value["previous"], {}), builder)
    builder.set_field("status", Status.CANCELED, "/deleted")
    return builder.finish()


def _post_of(where: str, item: Item, envelope: Item) -> Post:
    embedded = item.get("_embedded")
    parts: Item = embedded if isinstance(embedded, dict) else {}
    content = item.get("content")
    is_locked = (isinstance(content, dict) and content.get("protected") is True) or bool(
        text_of(item.get("password")) or text_of(item.get("post_password"))
    )
    names = {"date_gmt": "post_date_gmt", "date": "post_date"}
    names |= {"modified_gmt": "post_modified_gmt", "modified": "post_modified"}
    number = whole_number(item.get("id") if "id" in item else item.get("ID"))
    kind = _words(item, "type", "post_type", where=where).text.lower()
    return Post(
        origin=where,
        number=str(number or ""),
        guid=_words(item, "guid", "guid", where=where),
        kind=kind or "post",
        status=_words(item, "status", "post_status", where=where),
        is_locked=is_locked,
        restriction=_restriction_in(item, envelope),
        title=_words(item, "title", "post_title", where=where),
        content=_words(item, "content", "post_content", where=where),
        is_rendered="post_content" not in item,
        excerpt=_words(item, "excerpt", "post_excerpt", where=where),
        slug=_words(item, "slug", "post_name", where=where),
        link=_words(item, "link", "permalink", where=where) or _words(envelope, "post_permalink", "permalink"),
        canonical=_canonical_of(item, where),
        language=_words(item, "lang", "language", where=where),
        times=Times(**{name: _words(item, name, other, where=where) for name, other in names.items()}),
        authors=tuple(_authors_of(parts, f"{where}/_embedded")),
        terms=tuple(_terms_of(item, parts, envelope, where))[:_MAX_TERMS],
        sticky=Sent("1", f"{where}/sticky") if item.get("sticky") is True else NOTHING,
        thumbnail=_picture_of(parts, f"{where}/_embedded"),
        unused=tuple(_unused(item, parts, where)),
    )


def _restriction_in(item: Item, envelope: Item) -> str:
    """Return the mark of a post for members only: of the post, its custom fields or a hook's."""
    holders = (item, item.get("meta"), item.get("post_meta"), envelope.get("post_meta"), envelope.get("meta"))
    found = (find_restriction(each.items()) for each in holders if isinstance(each, dict))
    return next((name for name in found if name), "")


def _words(item: Item, name: str, other: str, *, where: str = "") -> Sent:
    """Return a text under either of two names; the REST interface wraps HTML in an object with `rendered`."""
    for each in (name, other):
        value = item.get(each)
        if isinstance(value, dict):
            value, each = value.get("rendered"), f"{each}/rendered"  # noqa: PLW2901 -- the pointer goes on
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)[:20]
        if text := text_of(value):
            return Sent(text, f"{where}/{each}")
    return NOTHING


def _canonical_of(item: Item, where: str) -> Sent:
    yoast = item.get("yoast_head_json")
    text = text_of(yoast.get("canonical")) if isinstance(yoast, dict) else None
    return Sent(text, f"{where}/yoast_head_json/canonical") if text else NOTHING


def _authors_of(parts: Item, where: str) -> Iterator[Sent]:
    for place, author in _objects(parts.get("author")):
        if name := text_of(author.get("name")):
            yield Sent(prose.unescaped(name), f"{where}/author/{place}/name")


def _terms_of(item: Item, parts: Item, envelope: Item, where: str) -> Iterator[Term]:
    groups = parts.get("wp:term")
    for place, group in enumerate(groups[:_MAX_TERMS] if isinstance(groups, list) else ()):
        for number, term in _objects(group):
            yield from _term(term, f"{where}/_embedded/wp:term/{place}/{number}")
    for holder, origin in ((envelope, ""), (item, where)):
        taxonomies = holder.get("taxonomies")
        for name, terms in taxonomies.items() if isinstance(taxonomies, dict) else ():
            values = list(terms.values()) if isinstance(terms, dict) else terms
            for number, term in _objects(values):
                yield from _term(term, origin + pointer("taxonomies", name, number), name)
        if holder is item:
            return


def _term(term: Item, origin: str, taxonomy: str = "category") -> Iterator[Term]:
    if name := text_of(term.get("name")):
        kind = text_of(term.get("taxonomy")) or taxonomy
        if kind not in ("author", "post_format"):
            yield Term(kind, prose.unescaped(name), text_of(term.get("slug")) or "", origin)


def _picture_of(parts: Item, where: str) -> SentPicture | None:
    place, media = next(_objects(parts.get("wp:featuredmedia")), (0, None))
    if media is None or not isinstance(media.get("source_url"), str):
        return None
    here = f"{where}/wp:featuredmedia/{place}"
    details = media.get("media_details")
    facts: Mapping[str, Any] = details if isinstance(details, dict) else {}
    image = facts.get("image_meta")
    credit = text_of(image.get("credit")) if isinstance(image, dict) else None
    return SentPicture(
        where=here,
        files=(PictureFile(f"{here}/source_url", media["source_url"], whole_number(facts.get("width")) or 0),),
        caption=prose.plain(_words(media, "caption", "caption").text) or None,
        credit=prose.plain(credit) if credit else None,
        alt=prose.plain(text_of(media.get("alt_text")) or "") or None,
        is_lead=True,
    )


def _objects(value: object) -> Iterator[tuple[int, Item]]:
    for place, each in enumerate(value[:_MAX_TERMS] if isinstance(value, list) else ()):
        if isinstance(each, dict):
            yield place, each


def _unused(item: Item, parts: Item, where: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a post that an article does not have, and numbers that only its system can resolve."""
    named = {"author": "author", "post_author": "author", "categories": "wp:term", "tags": "wp:term"}
    for name, part in {**named, "featured_media": "wp:featuredmedia"}.items():
        if item.get(name) and not parts.get(part):
            yield where + pointer(name), "is a number within the sender's system; send the post with ?_embed"
    if item.get("meta"):
        yield f"{where}/meta", "custom fields are not used"
    for name, value in item.items():
        if name not in _USED and value not in (None, "", [], {}):
            yield where + pointer(name), "is not a field that Pressline uses"
