"""Makes an article of a post, or sets the post aside: only a published, unlocked post may become a page."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote_to_bytes

from services.ingest.adapters.readers.addresses import host_of
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import (
    DISPENSABLE_FIELDS,
    SentPicture,
    find_section,
    set_body,
    set_language,
    set_pictures,
)
from services.ingest.adapters.readers.old_addresses import add_old_address
from services.ingest.adapters.readers.wordpress.markup import Converted, converted
from services.ingest.adapters.readers.wordpress.post import Post, Sent
from services.ingest.adapters.readers.wordpress.restricted import MEMBERS_REASON
from services.ingest.adapters.readers.wordpress.times import find_times, set_times
from services.ingest.domain import prose
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Entry, ReadingContext
from shared.model.article import MAX_BODY_CHARS, Status
from shared.model.slug import is_slug

_ARTICLE_KINDS = frozenset({"post", "article", "articles", "news", "story", "stories", "newspack_nl_post"})
_KINDS = {
    "page": "is a page of the site, not an article",
    "revision": "is an earlier text of another post",
    "nav_menu_item": "is an entry of a menu",
    "wp_block": "is a reusable block, not an article",
    "custom_css": "is a style sheet",
}
_STATUSES = {
    "draft": "is a draft",
    "auto-draft": "is a draft that nobody saved",
    "pending": "waits for review",
    "future": "is scheduled for later; its system publishes it then",
    "private": "is private",
    "trash": "is in the trash",
}
_CLOCK_TOLERANCE = timedelta(minutes=10)
_STICKY_URGENCY = 3  # of the usual 5: kept at the top of the sender's front
_NO_SECTIONS = frozenset({"uncategorized", "uncategorised", "allgemein", "non-classe", "sin-categoria"})
_MAX_TERMS = 100
_MAX_TITLE_CHARS = 2_000
_AUTO_EXCERPT_ENDS = ("[…]", "[...]", "…", "...")


def read_post(post: Post, format_name: str, context: ReadingContext, *, is_live: bool) -> Entry:
    """Return the article or the post set aside. `is_live`: a message of a running system, not a part of an export.

    The article of an unpublished post is withheld, because a page may exist. Such an item of an export that has no id
    or no date is set aside.

    Raises:
        RefusedError: the post is no article, or a faulty one.
    """
    builder = ArticleBuilder(format_name, context)
    set_identity(post, builder)
    name = post.title.text[:_MAX_TITLE_CHARS] and prose.plain(post.title.text)
    if post.kind == "attachment":
        return builder.set_aside("media", "is an attachment; it is used with the post that names it", name)
    if post.kind not in _ARTICLE_KINDS:
        reason = _KINDS.get(post.kind, f"is of the type {post.kind[:40]!a}, which is no article")
        raise unacceptable([Fault(post.origin, reason)], reason)
    body, hidden = _public_body(post, builder)
    if hidden:  # before the times: a removal is accepted without them
        builder.set_field("status", Status.WITHHELD, post.status.origin)
    times = find_times(post.times, builder, context.feed.zone or context.site.zone)
    if not hidden and times.published is not None and times.published - context.received_at > _CLOCK_TOLERANCE:
        hidden = "has a date of publication in the future"
    if hidden:
        builder.set_field("status", Status.WITHHELD, post.status.origin)
    set_times(times, builder, context.received_at, is_hidden=bool(hidden))
    set_language(builder, post.language.text or None, post.language.origin)
    if hidden and not is_live and not {"source_id", "version_created"} <= builder.values.keys():
        return builder.set_aside("held", hidden, str(builder.values.get("source_id") or name))
    if hidden:
        return builder.finish(held_because=hidden)
    if post.status:
        builder.confirm(post.status.origin)
    _set_texts(post, body, builder)
    _set_terms(post, builder, context)
    _set_addresses(post, builder, context)
    for origin, reason in post.unused:
        builder.drop(origin, reason)
    return builder.finish(dispensable=DISPENSABLE_FIELDS)


def set_identity(post: Post, builder: ArticleBuilder) -> None:
    """Set the id: the guid, otherwise the site and the number of the post."""
    if post.is_copy:
        builder.warn("an earlier item has the same guid; the number of the post is added to it")
    if post.guid:
        builder.set_field("source_id", prose.unescaped(post.guid.text), post.guid.origin)
    elif post.number and (host := host_of(post.link.text)):
        builder.set_field("source_id", f"{host}?p={post.number}", post.link.origin)
        builder.warn("the post has no guid; its site and its number are its id")
    builder.expect("source_id", f"{post.origin}/guid")
    builder.expect("headline", f"{post.origin}/title")


def _public_body(post: Post, builder: ArticleBuilder) -> tuple[Converted | None, str]:
    """Return the body, or the reason why the post may not be shown; a body for members alone may not."""
    if hidden := _find_reason_to_hide(post, builder):
        return None, hidden
    body = _body_of(post)
    is_restricted = body is not None and body.restricted and prose.is_blank(body.html)
    return body, MEMBERS_REASON if is_restricted else ""


def _find_reason_to_hide(post: Post, builder: ArticleBuilder) -> str:
    """Return the reason why the post may not be shown; empty if it may. A missing status is a fault."""
    status = post.status.text.lower()
    if not status:
        builder.fault(f"{post.origin}/status", "is required and missing: the post may be a draft")
        return ""
    if status != "publish":
        return _STATUSES.get(status, f"has the status {status[:40]!a}, not publish")
    if post.restriction:
        return f"{MEMBERS_REASON}: {post.restriction[:40]}"
    return "is protected by a password" if post.is_locked else ""


def _set_texts(post: Post, body: Converted | None, builder: ArticleBuilder) -> None:
    """Set headline, standfirst, body, pictures, authors and urgency."""
    if headline := prose.plain(post.title.text):
        builder.set_field("headline", headline, post.title.origin)
    pictures = [post.thumbnail] if post.thumbnail else []
    _set_content(post, body, builder, pictures)
    set_pictures(builder, pictures)
    if standfirst := prose.plain(post.excerpt.text):
        if _is_made_from_the_body(standfirst, post, builder):
            builder.drop(post.excerpt.origin, "is the beginning of the text, cut by the site")
        else:
            builder.set_field("standfirst", standfirst, post.excerpt.origin)
    for author in post.authors:
        if "@" in author.text:
            builder.drop(author.origin, "is an e-mail address, which is never published")
        else:
            builder.add_entry("authors", {"name": author.text}, author.origin)
    if post.sticky:
        builder.set_field("urgency", _STICKY_URGENCY, post.sticky.origin)


def _body_of(post: Post) -> Converted | None:
    """Return the body as HTML; None if it is too long."""
    if len(post.content.text) > MAX_BODY_CHARS:
        return None
    return converted(post.content.text, is_rendered=post.is_rendered)


def _set_content(post: Post, found: Converted | None, builder: ArticleBuilder, pictures: list[SentPicture]) -> None:
    """Set the body, and add the pictures of its galleries."""
    if found is None:
        builder.set_field("body", post.content.text, post.content.origin)  # a fault of the model
        return
    for part, count in found.restricted.items():
        builder.drop(
            post.content.origin, f"a part {MEMBERS_REASON}: {part}" + (f" ({count} times)" if count > 1 else "")
        )
    if found.html:
        set_body(builder, found.html, post.content.origin, is_html=True)
    for name, count in found.removed.items():
        builder.warn(f"{name} was removed from the body" + (f" ({count} times)" if count > 1 else ""))
    if not found.html:
        builder.expect("body", post.content.origin)
        builder.set_field("body", "", post.content.origin)
    named = [*found.galleries, *(post.own_attachments if found.has_gallery_of_parent else ())]
    lead = post.thumbnail.where if post.thumbnail else ""
    for number in dict.fromkeys(named):
        picture = post.attachments.get(number)
        if picture is None:
            builder.warn(f"a gallery names the attachment {number[:20]!a}, which the document does not have")
        elif picture.where != lead:
            pictures.append(picture)


def _is_made_from_the_body(standfirst: str, post: Post, builder: ArticleBuilder) -> bool:
    """Return whether an excerpt is the first words of the text: the REST interface sends these if there is no other."""
    if not post.is_rendered:
        return False
    words = next((standfirst.removesuffix(end) for end in _AUTO_EXCERPT_ENDS if standfirst.endswith(end)), standfirst)
    body = builder.values.get("body")
    text = prose.plain(body[: 8 * len(standfirst) + 2_000]) if isinstance(body, str) else ""
    return bool(words.strip()) and "".join(text.split()).startswith("".join(words.split()))


def _set_terms(post: Post, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Set the section from the first category that names one; other categories are topics, and tags are keywords."""
    categories = [term for term in post.terms if term.taxonomy == "category"]
    section_term = next((each for each in categories if find_section(context.site, (each.slug, each.name))), None)
    if section_term:
        section = find_section(context.site, (section_term.slug, section_term.name))
        builder.set_field("section", section, section_term.origin)
    else:
        builder.default_section("no category names a section")
    for term in post.terms[:_MAX_TERMS]:
        if term is section_term:
            continue
        if term.taxonomy == "category" and term.slug.lower() not in _NO_SECTIONS:
            builder.add_entry("topics", {"name": term.name}, term.origin)
        elif term.taxonomy in ("post_tag", "tag"):
            builder.add_entry("keywords", term.name, term.origin)
        else:
            builder.drop(term.origin, "is a term of a taxonomy that is not used")
    for term in post.terms[_MAX_TERMS:]:
        builder.drop(term.origin, f"only the first {_MAX_TERMS} terms are used")


def _set_addresses(post: Post, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Set the slug, the canonical address and, for an export, the old address."""
    if slug := _slug_in(post.slug):
        if is_slug(slug):
            builder.set_field("slug", slug, post.slug.origin)
        else:
            builder.drop(post.slug.origin, "is not a slug of letters, digits and single hyphens")
    if post.canonical and post.canonical.text != post.link.text:
        builder.set_field("canonical_url", post.canonical.text, post.canonical.origin)
    if post.link and post.is_link_old:
        add_old_address(builder, context.site, post.link.text, post.link.origin)
    elif post.link:
        builder.drop(post.link.origin, "is the address on the sender's site")


def _slug_in(slug: Sent) -> str:
    """Return a slug as text; WordPress percent-encodes it and may cut it within a character."""
    return unquote_to_bytes(slug.text).decode("utf-8", "ignore").lower() if slug else ""
