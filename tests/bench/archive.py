"""A synthetic archive: the state of articles that were published long ago, with another theme."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.enrich.handler import enrich
from shared.model.addresses import article_path
from shared.model.article import Article, ArticleFacts, Author, EnrichedArticle, Status, Topic
from shared.model.card import Card
from shared.model.live_record import LiveRecord, PageRecord
from shared.model.revision import Revision, page_order, revision_id
from shared.model.slug import page_name
from shared.site import keys
from shared.site.memberships import own_memberships
from shared.site.sites import Site
from shared.storage import Etag, ObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_ARTICLES_PER_DAY = 200
_TOPIC_COUNT, _AUTHOR_COUNT, _BODY_COUNT = 40, 40, 20
_WRITER_THREADS = 32
_WORDS = [
    "harbour",
    "council",
    "bridge",
    "winter",
    "market",
    "report",
    "season",
    "border",
    "water",
    "engine",
    "signal",
    "letter",
    "ballot",
    "garden",
]
_OLD_PAGE = b"<!doctype html><title>Made by another theme</title>" + b"<p>It was like this.</p>" * 100
_OLD_PAGE_SHA256 = hashlib.sha256(_OLD_PAGE).hexdigest()


@dataclass(frozen=True, slots=True)
class Story:
    """One article: its revision and its enriched form."""

    revision: Revision
    enriched: EnrichedArticle

    @property
    def created_at(self) -> datetime:
        """Return the creation time."""
        return self.revision.accepted_at


def stories(
    site: Site, number: int, *, newest: datetime = NOON, articles_per_day: int = _ARTICLES_PER_DAY
) -> Iterator[Story]:
    """Yield `number` articles, oldest first, in all sections, with topics and authors."""
    bodies = [_template(site, each) for each in range(_BODY_COUNT)]
    for each in reversed(range(number)):
        day, of_day = divmod(each, articles_per_day)
        created = newest - timedelta(days=day, minutes=of_day)
        yield _story(site, each, created, *bodies[each % _BODY_COUNT])


def seed(content: ObjectStorage, public: ObjectStorage, site: Site, number: int) -> None:
    """Put the objects of published articles into the two buckets."""
    with ThreadPoolExecutor(_WRITER_THREADS) as pool:
        for _ in pool.map(
            lambda story: put_story(story, record_of(story, site), content, public), stories(site, number)
        ):
            pass


def _template(site: Site, number: int) -> tuple[Revision, EnrichedArticle]:
    """Return an article; other articles reuse its text."""
    sentences = [
        " ".join(_WORDS[(number + step * 3 + place) % len(_WORDS)] for place in range(12)).capitalize() + "."
        for step in range(60)
    ]
    paragraphs = [f"<p>{' '.join(sentences[start : start + 5])}</p>" for start in range(0, 60, 5)]
    article = Article(
        site=site.id,
        source="bench",
        source_id=str(number),
        headline="A synthetic story",
        section=site.sections[0].id,
        language=site.language,
        body="<h2>What happened</h2>".join(["".join(paragraphs[:6]), "".join(paragraphs[6:])]),
    )
    revision = Revision(
        article_id="",
        revision=revision_id(NOON, None),
        status=Status.USABLE,
        accepted_at=NOON,
        raw_sha256="0" * 64,
        raw_key="",
        article=article,
    )
    return revision, enrich(revision)


def _story(site: Site, number: int, created: datetime, revision: Revision, enriched: EnrichedArticle) -> Story:
    article = keys.article_id(site.id, "bench", str(number))
    fields = {
        "source_id": str(number),
        "headline": f"A synthetic story, number {number}, of some length",
        "standfirst": "What happened, in a sentence as long as such a sentence usually is in a newspaper.",
        "byline": f"Reporter {number % _AUTHOR_COUNT}",
        "section": site.sections[number % len(site.sections)].id,
        "topics": (Topic(name=f"Topic {number % _TOPIC_COUNT}"), Topic(name=f"Topic {number * 7 % _TOPIC_COUNT}")),
        "authors": (Author(name=f"Reporter {number % _AUTHOR_COUNT}"),),
        "keywords": (f"word {number % 300}",),
        "first_created": created,
    }
    name = revision_id(created, None)
    facts = enriched.facts.model_copy(update=fields)
    return Story(
        revision.model_copy(
            update={
                "article_id": article,
                "revision": name,
                "accepted_at": created,
                "article": revision.article.model_copy(update=fields),
            }
        ),
        enriched.model_copy(update={"article": article, "revision": name, "facts": facts}),
    )


def put_story(story: Story, record: LiveRecord, content: ObjectStorage, public: ObjectStorage) -> None:
    """Put the objects of one published article into the two buckets."""
    site, article, revision, enriched = record.site, record.article, story.revision, story.enriched
    (path, page), *_ = record.pages.items()
    metadata = {"article": article, "order": page.order, "sha256": page.sha256, "theme": "epn-another", "status": "200"}
    etag = public.put(path, _OLD_PAGE, content_type="text/html; charset=utf-8", metadata=metadata)
    content.put(keys.revision_key(site, article, revision.revision), revision.model_dump_json().encode())
    enriched_key = keys.enriched_key(site, article, revision.revision, enriched.enricher)
    content.put(enriched_key, enriched.model_dump_json().encode())
    put_record(record.model_copy(update={"pages": {path: page.model_copy(update={"etag": etag})}}), content)


def put_record(record: LiveRecord, content: ObjectStorage) -> None:
    """Put the record of a live article."""
    content.put(keys.live_key(record.site, record.article), record.model_dump_json(indent=1).encode())


def record_of(story: Story, site: Site) -> LiveRecord:
    """Return the record of a live article, without the ETag of its page."""
    revision, facts = story.revision, story.enriched.facts
    path = article_path(revision.article_id, facts, facts, revision.revision, site)
    order = page_order(revision.revision, 1, story.created_at)
    page = PageRecord(order=order, sha256=_OLD_PAGE_SHA256, etag=Etag(""))
    card = _card(revision.article_id, path, facts, story.enriched, story.created_at)
    return LiveRecord(
        site=site.id,
        article=revision.article_id,
        claimed=(path,),
        claimed_by=revision.revision,
        revision=revision.revision,
        path=path,
        live_since=story.created_at,
        revisions_seen=1,
        pages={path: page},
        former_memberships=tuple(sorted(own_memberships(site, card))),
        card=card,
    )


def _card(article: str, path: str, facts: ArticleFacts, enriched: EnrichedArticle, created_at: datetime) -> Card:
    return Card(
        article=article,
        path=path,
        headline=facts.headline,
        standfirst=facts.standfirst,
        byline=facts.byline,
        section=facts.section,
        topics=tuple(topic.name for topic in facts.topics),
        topic_pages=tuple(page_name(topic.name) for topic in facts.topics),
        authors=tuple(author.name for author in facts.authors),
        author_pages=tuple(page_name(author.name) for author in facts.authors),
        keywords=facts.keywords,
        urgency=facts.urgency,
        language=facts.language,
        direction=enriched.direction,
        created_at=created_at,
    )
