"""Renders an article's page: its visible revision, and its links to related articles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.render.domain.people import people_of
from services.render.domain.updates import corrected_at, updated_at
from services.render.domain.view import article_view
from services.render.domain.view.shell import card_picture
from services.render.handler.deps import PageContext, RenderDeps
from services.render.handler.stubs import stubs_of
from shared.index import RelatedArticles
from shared.messaging.messages import ArticlesEnriched
from shared.messaging.page_bundle import ArticlePage
from shared.model.addresses import Addresses, addresses_of, article_path, files_shown, old_paths, published_at
from shared.model.article import EnrichedArticle, Status
from shared.model.card import Card
from shared.model.history import RevisionsAfter, read_history
from shared.model.revision import page_order
from shared.runtime.errors import NotYetEnrichedError
from shared.site import keys
from shared.site.memberships import authors_of, released_memberships, topics_of
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class VisibleArticle:
    """The visible state of an article: its revision, its addresses, its dates and the number of its revisions."""

    latest: EnrichedArticle
    addresses: Addresses
    published_at: datetime
    updated_at: datetime | None
    revisions: int
    former_memberships: tuple[str, ...] = ()  # of its released revisions, current ones included
    is_new: bool = False  # it had no record when its revisions were listed
    corrected_at: datetime | None = None  # of an article with a correction note; None: since its publication


@dataclass(frozen=True, slots=True)
class PageInputs:
    """The inputs of a page from its article alone: the visible state, the card, the canonical address if elsewhere."""

    visible: VisibleArticle
    card: Card
    canonical_url: str | None


def read_inputs(site: Site, article: str, read_at: datetime, deps: RenderDeps) -> PageInputs | None:
    """Return the inputs of an article's page now; None if the article must not be shown.

    Raises:
        NotYetEnrichedError: the enriched object is missing and has to be made.
    """
    visible = _find_visible(site, article, read_at, deps)
    if visible is None:
        return None
    canonical_url = visible.latest.facts.canonical_url or _canonical_url(visible.latest, deps, read_at)
    is_canonical = canonical_url in (None, site.base_url + keys.url_path(visible.addresses.current))
    return PageInputs(visible, _card(visible, site, is_canonical=is_canonical), canonical_url)


def page_of_article(
    message: ArticlesEnriched, inputs: PageInputs, related: RelatedArticles, read_at: datetime, context: PageContext
) -> tuple[ArticlePage, bytes]:
    """Return an article's page: its description for the publisher, and its bytes."""
    site, visible, card = context.site, inputs.visible, inputs.card
    latest, path = visible.latest, visible.addresses.current
    view = article_view(
        latest,
        site=site,
        path=path,
        created_at=card.created_at,
        updated_at=card.updated_at,
        corrected_at=visible.corrected_at,
        picture=card.picture,
        related=related.cards,
        canonical_url=inputs.canonical_url,
    )
    body = context.theme.article(view)
    page = ArticlePage(
        **context.provenance(message, body),
        path=path,
        order=page_order(latest.revision, visible.revisions, read_at),
        surrogate_keys=(keys.article_surrogate_key(latest.article),),
        attachments=(*files_shown(latest.facts, site), *context.stored_assets(body)),
        inputs=f"revisions={visible.revisions} enricher={latest.enricher} related={len(related.cards)}",
        wanted_version=related.wanted_version,
        stubs=stubs_of(related.missing, context),
        article=latest.article,
        revision=latest.revision,
        former=visible.addresses.former,
        revisions_seen=visible.revisions,
        is_new=visible.is_new,
        card=card,
        expires_at=latest.facts.expires_at,
        shows=related.shows,
        former_memberships=visible.former_memberships,
    )
    return page, body


def _canonical_url(article: EnrichedArticle, deps: RenderDeps, now: datetime) -> str | None:
    """Return the canonical address of an article of several sites: its address at the first of them."""
    facts = article.facts
    home = deps.sites.get(facts.canonical_site or "")
    if home is None or facts.canonical_article is None:
        return None
    history = read_history(deps.revisions, home.id, facts.canonical_article)
    addresses = addresses_of(history.released(now), home)
    return home.base_url + keys.url_path(addresses.current) if addresses else None


def _card(visible: VisibleArticle, site: Site, *, is_canonical: bool) -> Card:
    """Return the article's card."""
    latest, facts = visible.latest, visible.latest.facts
    topics, authors = topics_of(site, facts), authors_of(site, facts)
    return Card(
        article=latest.article,
        path=visible.addresses.current,
        headline=facts.headline,
        kicker=facts.kicker,
        standfirst=facts.standfirst,
        byline=facts.byline,
        section=facts.section,
        topics=tuple(topic.name for topic in topics),
        topic_pages=tuple(topic.page for topic in topics),
        authors=tuple(author.name for author in authors),
        author_pages=tuple(author.page for author in authors),
        contributors=tuple(person.name for person in people_of(site, facts) if not person.is_writer),
        keywords=facts.keywords,
        urgency=facts.urgency,
        language=facts.language,
        direction=latest.direction,
        created_at=visible.published_at,
        updated_at=visible.updated_at,
        picture=card_picture(facts.picture),
        is_canonical=is_canonical,
    )


def _find_visible(site: Site, article: str, read_at: datetime, deps: RenderDeps) -> VisibleArticle | None:
    """Return the visible state of an article now; None if the article must not be shown.

    Raises:
        NotYetEnrichedError: the enriched object is missing.
    """
    listed = deps.revisions.since(site.id, article, "")
    if (
        len(listed.names) == 1 and not listed.kills
    ):  # the usual case: the enriched object contains all facts of the revision
        return _only_revision(site, article, listed, read_at, deps)
    history = read_history(deps.revisions, site.id, article, listed)
    released = history.released(read_at)
    addresses = addresses_of(released, site)
    if addresses is None or released[-1].status_at(read_at) is not Status.USABLE:
        return None
    latest = _enriched(deps, listed, site, article, released[-1].revision)
    usable = [revision for revision in released if revision.status is Status.USABLE]
    first = published_at(usable[0].article, usable[0].revision)
    former_memberships = released_memberships(site, released)
    is_new = listed.record is None
    return VisibleArticle(
        latest,
        addresses,
        first,
        updated_at(usable),
        len(history.revisions),
        former_memberships=former_memberships,
        is_new=is_new,
        corrected_at=corrected_at(usable),
    )


def _only_revision(
    site: Site, article: str, listed: RevisionsAfter, read_at: datetime, deps: RenderDeps
) -> VisibleArticle | None:
    if not listed.enriched and deps.revisions.get(site.id, article, listed.names[0]).status is not Status.USABLE:
        return None  # a removal has no enriched object
    enriched = _enriched(deps, listed, site, article, listed.names[0])
    embargo, expiry = enriched.facts.embargo_until, enriched.facts.expires_at
    is_out = (embargo is None or embargo <= read_at) and (expiry is None or expiry > read_at)
    if not is_out or enriched.facts.status is not Status.USABLE:
        return None
    path = article_path(enriched.article, enriched.facts, enriched.facts, enriched.revision, site)
    first = published_at(enriched.facts, enriched.revision)
    addresses = Addresses(path, old_paths((enriched.facts,), path, site))
    return VisibleArticle(enriched, addresses, first, None, 1, is_new=listed.record is None)


def _enriched(deps: RenderDeps, listed: RevisionsAfter, site: Site, article: str, revision: str) -> EnrichedArticle:
    """Return the enriched object of a revision from the latest version of the enricher."""
    prefix = keys.enriched_prefix(site.id, article, revision)
    key = keys.latest_enriched(listed.enriched, prefix)
    found = deps.content.find(key) if key else None
    if found is None:
        raise NotYetEnrichedError(prefix)
    return EnrichedArticle.model_validate_json(found.body)
