"""Rendering: an article's page, or a listing, as bytes for the publisher. The same input gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.render.domain.updates import updated_at
from services.render.domain.view import also_rail, article_view, front_view, rail_view, shell_view
from services.render.ports import Theme
from shared import keys
from shared.addresses import Addresses, addresses_of, article_path, created_at, picture_file, shown_picture
from shared.article import EnrichedArticle, Status
from shared.card import Card, CardPicture
from shared.errors import NotYetEnrichedError, PermanentError, PreconditionFailedError
from shared.history import Revisions, Since, read_past
from shared.index import Index
from shared.listings import GONE, HOME, NOT_FOUND, RAIL_ALSO, RAIL_LATEST, Listing, listing_of
from shared.messages import ArticleEnriched, Attachment, ListingStale, PageRendered, follow_up
from shared.receipts import Outcome, Receipts, receipt_id
from shared.revision import page_order
from shared.sites import Site, get_site
from shared.storage import ObjectStorage

log = structlog.get_logger()

MOST_INLINE_BYTES = 256 * 1024
LISTING_ORDER_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What the public should see of an article: its latest revision, its earliest, where, and of how many known."""

    latest: EnrichedArticle
    earliest: EnrichedArticle
    addresses: Addresses
    revisions: int


@dataclass(frozen=True, slots=True)
class Renderer:
    """What rendering reads from, and the themes that it renders with."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    receipts: Receipts
    sites: Mapping[str, Site]
    theme_of: Callable[[Site], Theme]
    clock: Callable[[], datetime]
    kept_assets: set[str]  # theme files that this process has seen in the content bucket


def render_article(message: ArticleEnriched, renderer: Renderer) -> tuple[PageRendered, ...]:
    """Render the page of the article as it should be seen now, which may be newer than the message says.

    Raises:
        NotYetEnrichedError: an enriched object is missing; the same message may succeed later.
    """
    site = get_site(renderer.sites, message.site)
    read_at = renderer.clock()
    seen = _find_seen(message, site, read_at, renderer)
    if seen is None:
        return ()  # nothing to see, or taken down: that has a message of its own
    latest, path = seen.latest, seen.addresses.current

    theme = renderer.theme_of(site)
    picture, attachments = _lead_picture(latest, site)
    created, updated = created_at(seen.earliest.facts, seen.earliest.revision), updated_at(latest, seen.earliest)
    view = article_view(latest, site=site, path=path, created_at=created, updated_at=updated, picture=picture)
    facts = latest.facts
    card = Card(
        article=latest.article,
        path=path,
        headline=facts.headline,
        kicker=facts.kicker,
        standfirst=facts.standfirst,
        byline=facts.byline,
        section=facts.section,
        topics=tuple(topic.name for topic in facts.topics),
        authors=tuple(author.name for author in facts.authors),
        urgency=facts.urgency,
        language=facts.language,
        direction=latest.direction,
        created_at=created,
        updated_at=updated,
        picture=picture,
    )
    receipt = receipt_id(site.id, latest.article, latest.revision)
    renderer.receipts.note(receipt, Outcome.RENDERED, renderer.clock())
    page = _page(
        message,
        renderer,
        path=path,
        order=page_order(latest.revision, seen.revisions, read_at),
        body=theme.article(view),
        theme=theme,
        surrogate_keys=(keys.article_surrogate_key(latest.article),),
        attachments=attachments,
    )
    named = {
        "article": latest.article,
        "revision": latest.revision,
        "former": seen.addresses.former,
        "revisions_seen": seen.revisions,
        "card": card,
        "expires_at": facts.expires_at,
    }
    return (page.model_copy(update=named),)


def render_listing(message: ListingStale, renderer: Renderer) -> tuple[PageRendered, ...]:
    """Render a listing from the index as it is now; not at all while the index is not whole.

    The order is the index's clock at the reading, and always above that of the page that is there: a clock that went
    back after a failover does not freeze a front page.
    """
    site = get_site(renderer.sites, message.site)
    try:
        listing = listing_of(site, message.listing)
    except KeyError as error:
        raise PermanentError(message.listing) from error
    there = renderer.public.find_head(listing.path)
    snapshot = renderer.index.read(site, listing)
    if renderer.index.whole_until(site) is None:  # asked after the reading: Redis may be emptied at any moment
        log.info("listing.postponed", listing=message.listing)  # the scheduler says it again once the index is whole
        renderer.index.end_turn(site, message.listing)
        return ()
    if snapshot.changed <= renderer.index.published(site).get(listing.name, -1):
        renderer.index.end_turn(site, listing.name)
        return ()  # another message was quicker
    order = there.metadata.get("order", "") if there else ""
    stored = int(order) if order.isdecimal() else 0  # what others put there bears none, or none of a listing's
    theme = renderer.theme_of(site)
    page = _page(
        message,
        renderer,
        path=listing.path,
        order=f"{max(snapshot.order, stored + 1):0{LISTING_ORDER_DIGITS}d}",
        body=_listing_body(listing, site, theme, snapshot.cards),
        theme=theme,
        surrogate_keys=(keys.listing_surrogate_key(listing.name),),
    )
    return (page.model_copy(update={"listing": listing.name, "changed": snapshot.changed}),)


def _listing_body(listing: Listing, site: Site, theme: Theme, cards: tuple[Card, ...]) -> bytes:
    if listing.name == HOME:
        return theme.home(front_view(site, cards))
    if listing.name == RAIL_LATEST:
        return theme.rail(rail_view(site, "latest", cards))
    if listing.name.startswith(RAIL_ALSO):
        return theme.rail(rail_view(site, also_rail(listing.name.removeprefix(RAIL_ALSO)), cards))
    if listing.name == NOT_FOUND:
        return theme.not_found(shell_view(site))
    if listing.name == GONE:
        return theme.gone(shell_view(site))
    raise PermanentError(listing.name)


def _find_seen(message: ArticleEnriched, site: Site, read_at: datetime, renderer: Renderer) -> Seen | None:
    """Return what should be seen now; None where nothing should be."""
    if renderer.revisions.since(site.id, message.article, "") == Since(
        (message.revision,)
    ):  # nearly always: its enriched object says all that its revision does
        only = _enriched(renderer, site, message.article, message.revision, message)
        embargo, expiry = only.facts.embargo_until, only.facts.expires_at
        is_out = (embargo is None or embargo <= read_at) and (expiry is None or expiry > read_at)
        path = article_path(only.article, only.facts, only.facts, only.revision, site)
        return Seen(only, only, Addresses(path), 1) if is_out and only.facts.status is Status.USABLE else None
    past = read_past(renderer.revisions, site.id, message.article)
    out = past.released(read_at)
    addresses = addresses_of(out, site)
    if addresses is None or out[-1].status_at(read_at) is not Status.USABLE:
        return None
    target, first = out[-1], next(revision for revision in out if revision.status is Status.USABLE)
    latest = _enriched(renderer, site, message.article, target.revision, message)
    earliest = latest if first is target else _enriched(renderer, site, message.article, first.revision, message)
    return Seen(latest, earliest, addresses, len(past.revisions))


def _enriched(renderer: Renderer, site: Site, article: str, revision: str, message: ArticleEnriched) -> EnrichedArticle:
    """Return the enriched object of a revision: by the message's version of the enricher, else by the latest one."""
    key = keys.enriched_key(site.id, article, revision, message.enricher)
    found = renderer.content.find(key)
    if found is None:
        others = list(renderer.content.list_keys(keys.enriched_prefix(site.id, article, revision)))
        if not others:
            raise NotYetEnrichedError(key)
        found = renderer.content.get(others[-1])
    return EnrichedArticle.model_validate_json(found.body)


def _lead_picture(article: EnrichedArticle, site: Site) -> tuple[CardPicture | None, tuple[Attachment, ...]]:
    picture = shown_picture(article.facts)
    if picture is None:
        return None, ()
    file = picture_file(picture, site)
    shown = CardPicture(path=file.path, width=picture.width or 0, height=picture.height or 0, alt=picture.alt or "")
    return shown, (file,)


def _page(
    message: ArticleEnriched | ListingStale,
    renderer: Renderer,
    *,
    path: str,
    order: str,
    body: bytes,
    theme: Theme,
    surrogate_keys: tuple[str, ...],
    attachments: tuple[Attachment, ...] = (),
) -> PageRendered:
    sha256 = hashlib.sha256(body).hexdigest()
    content, content_key = _packed(body, sha256, renderer.content)
    return PageRendered(
        **follow_up(message, f"page:{path}:{order}"),
        site=message.site,
        path=path,
        order=order,
        sha256=sha256,
        content=content,
        content_key=content_key,
        surrogate_keys=surrogate_keys,
        attachments=(*attachments, *_kept(theme, message.site, renderer)),
        theme=f"{theme.name}-{theme.version}",
    )


def _packed(body: bytes, sha256: str, content: ObjectStorage) -> tuple[str | None, str | None]:
    """Return the page for its message: packed, or the key under which a large one waits."""
    packed = base64.b64encode(zlib.compress(body, level=6)).decode()
    if len(packed) <= MOST_INLINE_BYTES:
        return packed, None
    key = keys.rendered_key(sha256)
    content.put(key, body, content_type="text/html; charset=utf-8")
    return None, key


def _kept(theme: Theme, site: str, renderer: Renderer) -> tuple[Attachment, ...]:
    """Return the theme's files as attachments, each of them in the content bucket."""
    attachments = []
    for asset in theme.assets:
        source = keys.asset_key(site, asset.name)
        if source not in renderer.kept_assets:
            try:
                renderer.content.put(source, asset.body, content_type=asset.content_type, unless_exists=True)
            except PreconditionFailedError:
                log.debug("asset.known", key=source)  # its name holds its hash: the same bytes
            renderer.kept_assets.add(source)
        attachments.append(
            Attachment(
                source_key=source,
                path=keys.asset_path(asset.name),
                content_type=asset.content_type,
                is_immutable=True,
            )
        )
    return tuple(attachments)
