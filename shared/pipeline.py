"""THE MAP: which service takes in what, and what it may tell the world. Routing reads this table and nothing else.

POST ──> ingest ── ArticleAccepted ──> enrich ── ArticleEnriched ──> render ── PageRendered ──> publish ──> readers
           │                                                            ▲                        │   ▲
           ├── ArticleRemoved (a kill goes straight to the page) ───────│────────────────────────│───┘
           │                                                            └───── ListingStale ─────┤
scheduler ─┴── whatever was lost, is due or stays stale                     ArticlePublished ────┘
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.messages import (
    ArticleAccepted,
    ArticleEnriched,
    ArticlePublished,
    ArticleRemoved,
    KeepRecords,
    KeepTexts,
    Lane,
    ListingsRendered,
    ListingsStale,
    ListingStale,
    MendPath,
    Message,
    PageRendered,
    PagesRendered,
    RebuildPages,
    SubmitArticle,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One service's way: what it takes in and what it may tell the world."""

    service: str
    consumes: type[Message]
    emits: tuple[type[Message], ...]

    def queue(self, lane: Lane) -> str:
        """Return the queue where this step's messages of a lane wait."""
        return f"{self.service}.{lane}"

    @property
    def task_name(self) -> str:
        """Return the Celery task that runs this step."""
        return f"{self.service}.{self.consumes.__name__}"


SUBMIT_ARTICLE = Step("ingest", SubmitArticle, (ArticleAccepted, ArticleRemoved))
ENRICH_ARTICLE = Step("enrich", ArticleAccepted, (ArticleEnriched, ArticleRemoved))
RENDER_ARTICLE = Step("render", ArticleEnriched, (PageRendered,))
RENDER_LISTING = Step("render", ListingStale, (PageRendered,))
RENDER_LISTINGS = Step("render", ListingsStale, (ListingsRendered, ListingStale))
PUBLISH_LISTINGS = Step("publish", ListingsRendered, (ListingStale, ArticleAccepted, PageRendered))
PUBLISH_PAGE = Step("publish", PageRendered, (ArticlePublished, ListingStale, ArticleAccepted))
LIST_ARTICLE = Step("publish", ArticlePublished, (ListingStale,))
REMOVE_ARTICLE = Step("publish", ArticleRemoved, (ListingStale, ArticleRemoved))  # a withdrawal comes back
REBUILD_PAGES = Step("render", RebuildPages, (PagesRendered, ArticleAccepted))
PUBLISH_PAGES = Step("publish", PagesRendered, (ArticleAccepted, ArticlePublished))
KEEP_TEXTS = Step("render", KeepTexts, (KeepRecords,))
KEEP_RECORDS = Step("publish", KeepRecords, ())
MEND_PATH = Step("publish", MendPath, (ArticleAccepted, ArticleRemoved, ListingStale, MendPath))

PIPELINE: tuple[Step, ...] = (
    SUBMIT_ARTICLE,
    ENRICH_ARTICLE,
    RENDER_ARTICLE,
    RENDER_LISTING,
    PUBLISH_PAGE,
    LIST_ARTICLE,
    REMOVE_ARTICLE,
    MEND_PATH,
    REBUILD_PAGES,
    PUBLISH_PAGES,
    RENDER_LISTINGS,
    PUBLISH_LISTINGS,
    KEEP_TEXTS,
    KEEP_RECORDS,
)

SCHEDULER_EMITS: tuple[type[Message], ...] = (
    SubmitArticle,
    ArticleAccepted,
    ArticleRemoved,
    ArticlePublished,
    ListingStale,
    ListingsStale,
    RebuildPages,
    KeepTexts,
)
"""The clock consumes nothing: it says again what was lost, is due or stays stale, and lays together what rests."""

WORKERS: tuple[str, ...] = ("ingest", "enrich", "render", "publish")


def step_for(message: type[Message]) -> Step:
    """Return the one step that consumes a kind of message."""
    return _STEPS[message]


def queues_of(service: str) -> tuple[str, ...]:
    """Return a service's queues in the order in which its workers empty them."""
    return tuple(f"{service}.{lane}" for lane in Lane)


_STEPS: dict[type[Message], Step] = {step.consumes: step for step in PIPELINE}
