"""An article's page: what should be seen of it now, and where it leads on to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from services.render.domain.people import people_of
from services.render.domain.updates import updated_at
from services.render.domain.view import article_view
from services.render.domain.view.shell import card_picture
from services.render.handler.placeholders import placeholders_of
from services.render.handler.renderer import Renderer, carrying, page_of
from services.render.handler.texts import Texts
from services.render.ports import Theme
from shared import keys
from shared.addresses import Addresses, addresses_of, article_path, files_shown, published_at
from shared.article import EnrichedArticle, Status
from shared.card import Card
from shared.errors import NotYetEnrichedError
from shared.history import Since, read_past
from shared.index import Related
from shared.messages import ArticleEnriched, PageRendered, RebuildPages
from shared.receipts import Outcome, receipt_id
from shared.revision import page_order
from shared.sets import authors_of, topics_of
from shared.sites import Site, get_site


@dataclass(frozen=True, slots=True)
class Seen:
    """What the public should see of an article: its latest revision, where, its dates, and how many are known."""

    latest: EnrichedArticle
    addresses: Addresses
    published_at: datetime
    updated_at: datetime | None
    revisions: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a page by its article alone: what should be seen, its card, where it lives if elsewhere."""

    seen: Seen
    card: Card
    canonical_url: str | None


def render_article(message: ArticleEnriched, renderer: Renderer) -> tuple[PageRendered, ...]:
    """Render the page of the article as it should be seen now, which may be newer than the message says.

    Raises:
        NotYetEnrichedError: an enriched object is missing; the same message may succeed later.
    """
    site = get_site(renderer.sites, message.site)
    read_at = renderer.clock()
    since = renderer.revisions.since(site.id, message.article, "")
    seen = find_seen(site, message.article, since, read_at, renderer, enricher=message.enricher)
    if seen is None:
        return ()  # nothing to see, or taken down: that has a message of its own
    draft = draft_of(seen, site, read_at, renderer)
    related = renderer.index.relate(site, draft.card, revision=seen.latest.revision)
    page, body = page_of_article(message, draft, related, renderer.theme_of(site), site, read_at, renderer)
    receipt = receipt_id(site.id, seen.latest.article, seen.latest.revision)
    renderer.receipts.note(receipt, Outcome.RENDERED, renderer.clock())
    return (carrying(page, body, renderer),)


def draft_of(seen: Seen, site: Site, read_at: datetime, renderer: Renderer) -> Draft:
    """Return what is known of an article's page by the article alone."""
    canonical_url = seen.latest.facts.canonical_url or _canonical_url(seen.latest, renderer, read_at)
    is_canonical = canonical_url in (None, site.base_url + keys.url_path(seen.addresses.current))
    return Draft(seen, _card(seen, site, is_canonical=is_canonical), canonical_url)


def page_of_article(
    message: ArticleEnriched | RebuildPages,
    draft: Draft,
    related: Related,
    theme: Theme,
    site: Site,
    read_at: datetime,
    renderer: Renderer,
) -> tuple[PageRendered, bytes]:
    """Return an article's page: the message without its bytes, and the bytes."""
    seen, card = draft.seen, draft.card
    latest, path = seen.latest, seen.addresses.current
    view = article_view(
        latest,
        site=site,
        path=path,
        created_at=card.created_at,
        updated_at=card.updated_at,
        picture=card.picture,
        related=related.cards,
        canonical_url=draft.canonical_url,
    )
    body = theme.article(view)
    page = page_of(
        message,
        renderer,
        path=path,
        order=page_order(latest.revision, seen.revisions, read_at),
        body=body,
        theme=theme,
        surrogate_keys=(keys.article_surrogate_key(latest.article),),
        attachments=files_shown(latest.facts, site),
        inputs=f"revisions={seen.revisions} enricher={latest.enricher} related={len(related.cards)}",
    )
    named = {
        "article": latest.article,
        "revision": latest.revision,
        "former": seen.addresses.former,
        "revisions_seen": seen.revisions,
        "card": card,
        "expires_at": latest.facts.expires_at,
        "shows": related.shows,
        "changed": related.changed,
        "placeholders": placeholders_of(related.missing, site, theme, renderer),
    }
    return page.model_copy(update=named), body


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


def find_seen(
    site: Site,
    article: str,
    since: Since,
    read_at: datetime,
    renderer: Renderer,
    *,
    enricher: str,
    texts: Texts | None = None,
) -> Seen | None:
    """Return what should be seen now of an article; None where nothing should be.

    `since`: all its revisions. `enricher`: the version whose enriched objects are there in all likelihood. `texts`: the
    enriched objects, some of them at hand.

    Raises:
        NotYetEnrichedError: an enriched object is missing; it may come.
    """
    texts = texts or Texts(renderer.content)
    if len(since.names) == 1 and not since.kills:  # nearly always: its enriched object says all that its revision does
        only = _enriched(renderer, texts, site, article, since.names[0], enricher)
        embargo, expiry = only.facts.embargo_until, only.facts.expires_at
        is_out = (embargo is None or embargo <= read_at) and (expiry is None or expiry > read_at)
        path = article_path(only.article, only.facts, only.facts, only.revision, site)
        if not is_out or only.facts.status is not Status.USABLE:
            return None
        return Seen(only, Addresses(path), published_at(only.facts, only.revision), None, 1)
    past = read_past(renderer.revisions, site.id, article, since)
    out = past.released(read_at)
    addresses = addresses_of(out, site)
    if addresses is None or out[-1].status_at(read_at) is not Status.USABLE:
        return None
    latest = _enriched(renderer, texts, site, article, out[-1].revision, enricher)
    shown = [revision for revision in out if revision.status is Status.USABLE]
    first = published_at(shown[0].article, shown[0].revision)
    return Seen(latest, addresses, first, updated_at(shown), len(past.revisions))


def _enriched(
    renderer: Renderer, texts: Texts, site: Site, article: str, revision: str, enricher: str
) -> EnrichedArticle:
    """Return the enriched object of a revision: by this version of the enricher, else by the latest one."""
    key = keys.enriched_key(site.id, article, revision, enricher)
    body = texts.find(key)
    if body is None:
        prefix = keys.enriched_prefix(site.id, article, revision)
        behind = renderer.content.list_keys(f"{prefix.rpartition('/')[0]}/", start_after=prefix)
        others = list(takewhile(lambda each: each.startswith(prefix), behind))
        body = texts.find(others[-1]) if others else None
        if body is None:
            raise NotYetEnrichedError(key)
    return EnrichedArticle.model_validate_json(body)
