"""Makes an article of a Ghost post, or sets the post aside: only a published post for everybody may become a page."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import (
    DISPENSABLE_FIELDS,
    PictureFile,
    SentPicture,
    find_instant,
    find_section,
    set_body,
    set_language,
    set_pictures,
)
from services.ingest.adapters.readers.ghost.bodies import Body, body_of
from services.ingest.adapters.readers.ghost.documents import Dialect, Named, Part
from services.ingest.adapters.readers.ghost.gates import MEMBERS_REASON
from services.ingest.adapters.readers.old_addresses import add_old_address
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain import prose
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Entry, ReadingContext
from shared.model.article import Status
from shared.model.slug import is_slug

_STATUSES = {
    "draft": "is a draft",
    "scheduled": "is scheduled for later; its system publishes it then",
    "sent": "was sent by e-mail only",
}
_AUDIENCES = {
    "members": MEMBERS_REASON,
    "paid": "is for paying members only",
    "tiers": "is for some members only",
    "filter": "is for some members only",
}
_CLOCK_TOLERANCE = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # no revision is ordered by an earlier time
_FEATURED_URGENCY = 3
_PRIVATE_FIELDS = ("codeinjection_head", "codeinjection_foot", "codeinjection_styles")
_MAX_MILLISECONDS = 10**14


def read_post(part: Part, dialect: Dialect, context: ReadingContext) -> Entry:
    """Return the article; that of a hidden post is withheld, because a page may exist.

    A hidden post of an export without a date is set aside.

    Raises:
        RefusedError: the post is no article, or a faulty one.
    """
    post, where = part.post, part.origin
    builder = ArticleBuilder(dialect.format_name, context)
    _set_identity(part, builder)
    if (text_of(post.get("type")) or "post") != "post" or post.get("page") in (1, True):
        raise unacceptable([Fault(where, "is a page of the site, not an article")])
    hidden = _find_reason_to_hide(post, where, dialect, builder)
    body = None if hidden else body_of(post)
    if body is not None and body.cut and prose.is_blank(body.html):
        hidden = MEMBERS_REASON
    published = _instant(post, "published_at", where, ArticleBuilder(dialect.format_name, context))
    if not hidden and published is not None and published - context.received_at > _CLOCK_TOLERANCE:
        hidden = "has a date of publication in the future"
    if hidden:
        builder.set_field("status", Status.WITHHELD, f"{where}/status")
    _set_times(post, where, builder, context.received_at)
    set_language(builder, text_of(post.get("locale")), f"{where}/locale")
    if hidden and not dialect.is_live and not {"source_id", "version_created"} <= builder.values.keys():
        return builder.set_aside("held", hidden)
    if hidden:
        return builder.finish(held_because=hidden)
    if "status" in post:
        builder.confirm(f"{where}/status")
    _set_texts(part, body, builder)
    _set_names(part, builder, context)
    _set_addresses(part, dialect, builder, context)
    for name in _PRIVATE_FIELDS:
        if part.post.get(name) or part.meta.get(name):
            builder.drop(where + pointer(name), "is code of the sender's theme")
    return builder.finish(dispensable=DISPENSABLE_FIELDS)


def deleted(previous: Item, builder: ArticleBuilder) -> Entry:
    """Return the removal of a post that Ghost has deleted for good: its id never comes back."""
    _set_identity(Part("/post/previous", previous), builder)
    builder.set_field("status", Status.CANCELED, "/post/current")
    return builder.finish()


def _set_identity(part: Part, builder: ArticleBuilder) -> None:
    for name in ("uuid", "id"):
        value = part.post.get(name)
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value)
        if text:
            builder.set_field("source_id", text, part.origin + pointer(name))
            return
    if part.url:
        builder.set_field("source_id", part.url, part.url_origin)
    builder.expect("source_id", f"{part.origin}/uuid")


def _find_reason_to_hide(post: Item, where: str, dialect: Dialect, builder: ArticleBuilder) -> str:
    """Return the reason why the post may not be shown; empty if it may. A missing status is a fault.

    Ghost 3 and later state the visibility of each post. A post without it may be for members.
    """
    status = (text_of(post.get("status")) or "").lower()
    if not status and post.get("access") is not True:
        builder.fault(f"{where}/status", "is required and missing: the post may be a draft")
    if status not in ("", "published"):
        return _STATUSES.get(status, f"has the status {status[:40]!a}, not published")
    audience = (text_of(post.get("visibility")) or "public").lower()
    if dialect.has_visibility and text_of(post.get("visibility")) is None:
        return "does not state its visibility: the post may be for members only"
    if audience != "public":
        return _AUDIENCES.get(audience, f"is visible to {audience[:40]!a}, not to everybody")
    if post.get("access") is False:
        return "is not open to everybody"
    return "was sent by e-mail only" if post.get("email_only") in (1, True) else ""


def _set_times(post: Item, where: str, builder: ArticleBuilder, received_at: datetime) -> None:
    """Set the stamp and the date of publication; the last change orders a hidden post, which has no date."""
    published = _instant(post, "published_at", where, builder)
    updated = _instant(post, "updated_at", where, builder)
    is_hidden = builder.is_removal
    if published and not is_hidden:
        builder.set_field("first_published", published, f"{where}/published_at")
    usable = [each for each in (updated, published) if each and (not is_hidden or _EPOCH <= each <= received_at)]
    stamp = None if not usable else usable[0] if is_hidden else max(usable)
    if stamp:
        builder.set_field("version_created", stamp, f"{where}/{'updated_at' if stamp == updated else 'published_at'}")
    else:
        builder.warn("the post has no date; the time of its receipt is used")


def _instant(post: Item, name: str, where: str, builder: ArticleBuilder) -> datetime | None:
    """Return a time; older exports have milliseconds, or a time without a zone, which is UTC.

    An unreadable time refuses the post, but a removal is accepted without it.
    """
    value = post.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_MILLISECONDS:
        with suppress(ValueError, OverflowError, OSError):  # a year that Python does not know is no date-time
            return datetime.fromtimestamp(value / 1000, UTC)
    return find_instant(builder, value, where + pointer(name), zone="UTC")


def _set_texts(part: Part, body: Body | None, builder: ArticleBuilder) -> None:
    post, where = part.post, part.origin
    builder.expect("headline", f"{where}/title")
    if headline := prose.plain(text_of(post.get("title")) or ""):
        builder.set_field("headline", headline, f"{where}/title")
    builder.expect("body", f"{where}/html")
    if body is not None:
        for reason in body.cut:
            builder.drop(where + pointer(body.name), reason)
        set_body(builder, body.html, where + pointer(body.name), is_html=True)
        for warning in body.warnings:
            builder.warn(warning)
    if standfirst := text_of(post.get("custom_excerpt")):
        builder.set_field("standfirst", prose.plain(standfirst), f"{where}/custom_excerpt")
    if image := text_of(post.get("feature_image")):
        caption, alt = (text_of(part.meta.get(f"feature_image_{name}")) for name in ("caption", "alt"))
        picture = SentPicture(
            where=f"{where}/feature_image",
            files=(PictureFile(f"{where}/feature_image", image),),
            caption=prose.plain(caption or "") or None,
            alt=prose.plain(alt or "") or None,
            is_lead=True,
        )
        set_pictures(builder, [picture])
    if post.get("featured") in (1, True):
        builder.set_field("urgency", _FEATURED_URGENCY, f"{where}/featured")


def _set_names(part: Part, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Set authors, section and keywords; the first tag that names a section is the section."""
    for author in part.authors:
        if "@" in author.name:
            builder.drop(author.origin, "is an e-mail address, which is never published")
        else:
            builder.add_entry("authors", {"name": author.name}, author.origin)
    section_tag: Named | None = None
    for tag in part.tags:
        section = None if tag.is_internal else find_section(context.site, (tag.slug, tag.name))
        if section:
            section_tag = tag
            builder.set_field("section", section, tag.origin)
            break
    if section_tag is None:
        builder.default_section("no tag names a section")
    for tag in part.tags:
        if tag.is_internal:
            builder.drop(tag.origin, "is an internal tag")
        elif tag is not section_tag:
            builder.add_entry("keywords", prose.unescaped(tag.name), tag.origin)


def _set_addresses(part: Part, dialect: Dialect, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Set the slug, the canonical address and, for an export, the old address: Ghost's usual one is `/{slug}/`."""
    post, where = part.post, part.origin
    slug = text_of(post.get("slug"))
    if slug and is_slug(slug):
        builder.set_field("slug", slug, f"{where}/slug")
    elif slug:
        builder.drop(f"{where}/slug", "is not a slug of letters, digits and single hyphens")
    if canonical := text_of(part.meta.get("canonical_url")) or text_of(post.get("canonical_url")):
        builder.set_field("canonical_url", canonical, f"{where}/canonical_url")
    if dialect.has_old_addresses and part.url:
        add_old_address(builder, context.site, part.url, part.url_origin)
    elif dialect.has_old_addresses and slug:
        add_old_address(builder, context.site, f"/{slug}/", f"{where}/slug")
