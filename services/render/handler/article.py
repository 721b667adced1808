"""An article's page: what should be seen of it now, and where it leads on to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.render.domain.people import people_of
from services.render.domain.updates import updated_at
from services.render.domain.view import article_view
from services.render.domain.view.shell import card_picture
from services.render.handler.renderer import PageContext, Renderer
from services.render.handler.stubs import stubs_of
from shared import keys
from shared.addresses import Addresses, addresses_of, article_path, files_shown, published_at
from shared.article import EnrichedArticle, Status
from shared.bundles import ArticlePage
from shared.card import Card
from shared.errors import NotYetEnrichedError
from shared.history import Since, read_past
from shared.index import Related
from shared.messages import ArticlesEnriched
from shared.revision import page_order
from shared.sets import authors_of, listed_by, topics_of
from shared.sites import Site


@dataclass(frozen=True, slots=True)
class Seen:
    """What the public should see of an article: its latest revision, where, its dates, and how many are known."""

    latest: EnrichedArticle
    addresses: Addresses
    published_at: datetime
    updated_at: datetime | None
    revisions: int
    listed: tuple[str, ...] = ()  # memberships that its released revisions have or may have had
    is_new: bool = False  # nothing of it was public when its revisions were listed


@dataclass(frozen=True, slots=True)
class PageInputs:
    """What is known of a page by its article alone: what should be seen, its card, where it lives if elsewhere."""

    seen: Seen
    card: Card
    canonical_url: str | None


def read_inputs(site: Site, article: str, read_at: datetime, renderer: Renderer) -> PageInputs | None:
    """Return the inputs of an article's page as it should be seen now; None where nothing should be.

    Raises:
        NotYetEnrichedError: an enriched object is missing; it has to be made.
    """
    seen = _find_seen(site, article, read_at, renderer)
    if seen is None:
        return None
    canonical_url = seen.latest.facts.canonical_url or _canonical_url(seen.latest, renderer, read_at)
    is_canonical = canonical_url in (None, site.base_url + keys.url_path(seen.addresses.current))
    return PageInputs(seen, _card(seen, site, is_canonical=is_canonical), canonical_url)


def page_of_article(
    message: ArticlesEnriched, inputs: PageInputs, related: Related, read_at: datetime, context: PageContext
) -> tuple[ArticlePage, bytes]:
    """Return an article's page: what is said of it, and its bytes."""
    site, seen, card = context.site, inputs.seen, inputs.card
    latest, path = seen.latest, seen.addresses.current
    view = article_view(
        latest,
        site=site,
        path=path,
        created_at=card.created_at,
        updated_at=card.updated_at,
        picture=card.picture,
        related=related.cards,
        canonical_url=inputs.canonical_url,
    )
    body = context.theme.article(view)
    page = ArticlePage(
        **context.provenance(message, body),
        path=path,
        order=page_order(latest.revision, seen.revisions, read_at),
        surrogate_keys=(keys.article_surrogate_key(latest.article),),
        attachments=(*files_shown(latest.facts, site), *context.stored_assets(body)),
        inputs=f"revisions={seen.revisions} enricher={latest.enricher} related={len(related.cards)}",
        wanted_version=related.wanted_version,
        stubs=stubs_of(related.missing, context),
        article=latest.article,
        revision=latest.revision,
        former=seen.addresses.former,
        revisions_seen=seen.revisions,
        is_new=seen.is_new,
        card=card,
        expires_at=latest.facts.expires_at,
        shows=related.shows,
        listed=seen.listed,
    )
    return page, body


def _canonical_url(article: EnrichedArticle, renderer: Renderer, now: datetime) -> str | None:
    """Return where an article that was posted to several sites lives: at the first of them, by its revisions there."""
    facts = article.facts
    home = renderer.sites.get(facts.canonical_site or "")
    if home is None or facts.canonical_article is None:
        return None
    past = read_past(renderer.revisions, home.id, facts.canonical_article)
    addresses = addresses_of(past.released(now), home)
    return home.base_url + keys.url_path(addresses.current) if addresses else None


def _card(seen: Seen, site: Site, *, is_canonical: bool) -> Card:
    """Return what listings show of the article."""
    latest, facts = seen.latest, seen.latest.facts
    topics, authors = topics_of(site, facts), authors_of(site, facts)
    return Card(
        article=latest.article,
        path=seen.addresses.current,
        headline=facts.headline,
        kicker=facts.kicker,
        standfirst=facts.standfirst,
        byline=facts.byline,
        section=facts.section,
        topics=tuple(topic.name for topic in topics),
        topic_pages=tuple(dict.fromkeys(topic.page for topic in topics)),
        authors=tuple(author.name for author in authors),
        author_pages=tuple(dict.fromkeys(author.page for author in authors)),
        contributors=tuple(person.name for person in people_of(site, facts) if not person.is_writer),
        keywords=facts.keywords,
        urgency=facts.urgency,
        language=facts.language,
        direction=latest.direction,
        created_at=seen.published_at,
        updated_at=seen.updated_at,
        picture=card_picture(facts.picture),
        is_canonical=is_canonical,
    )


def _find_seen(site: Site, article: str, read_at: datetime, renderer: Renderer) -> Seen | None:
    """Return what should be seen now of an article; None where nothing should be.

    Raises:
        NotYetEnrichedError: an enriched object is missing.
    """
    since = renderer.revisions.since(site.id, article, "")
    if len(since.names) == 1 and not since.kills:  # nearly always: its enriched object says all that its revision does
        return _only_revision(site, article, since, read_at, renderer)
    past = read_past(renderer.revisions, site.id, article, since)
    out = past.released(read_at)
    addresses = addresses_of(out, site)
    if addresses is None or out[-1].status_at(read_at) is not Status.USABLE:
        return None
    latest = _enriched(renderer, since, site, article, out[-1].revision)
    shown = [revision for revision in out if revision.status is Status.USABLE]
    first = published_at(shown[0].article, shown[0].revision)
    listed = listed_by(site, out)
    is_new = since.record is None
    return Seen(latest, addresses, first, updated_at(shown), len(past.revisions), listed=listed, is_new=is_new)


def _only_revision(site: Site, article: str, since: Since, read_at: datetime, renderer: Renderer) -> Seen | None:
    if not since.enriched and renderer.revisions.get(site.id, article, since.names[0]).status is not Status.USABLE:
        return None  # nothing is made of a removal
    only = _enriched(renderer, since, site, article, since.names[0])
    embargo, expiry = only.facts.embargo_until, only.facts.expires_at
    is_out = (embargo is None or embargo <= read_at) and (expiry is None or expiry > read_at)
    if not is_out or only.facts.status is not Status.USABLE:
        return None
    path = article_path(only.article, only.facts, only.facts, only.revision, site)
    first = published_at(only.facts, only.revision)
    return Seen(only, Addresses(path), first, None, 1, is_new=since.record is None)


def _enriched(renderer: Renderer, since: Since, site: Site, article: str, revision: str) -> EnrichedArticle:
    """Return the enriched object of a revision, made by the latest version of the enricher."""
    prefix = keys.enriched_prefix(site.id, article, revision)
    key = keys.latest_enriched(since.enriched, prefix)
    found = renderer.content.find(key) if key else None
    if found is None:
        raise NotYetEnrichedError(prefix)
    return EnrichedArticle.model_validate_json(found.body)
