"""The pipeline table: each service's steps, the message that a step consumes, and the messages that it emits.

POST ─> ingest ─ArticlesAccepted─> enrich ─ArticlesEnriched─> render ─PagesRendered─> publish ─> readers
          └──────────────────────── ArticleRemoved ─────────────────────────────────> publish ─ListingsStale─> render
                                                          render ─ListingsRendered─> publish ─> readers
scheduler ─> lost or due events; ListingsStale; ArticlesPublished for live articles missing from the index

Routing uses only this table.

A plural message names 1..n items of one site. News is a batch of one; imports and rebuilds are batches of many.
A message may have several consumers, each in a service of its own: each consumer gets a copy in its own queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.messaging.messages import (
    ArticleRemoved,
    ArticlesAccepted,
    ArticlesEnriched,
    ArticlesPublished,
    ListingsRendered,
    ListingsStale,
    Message,
    PagesRendered,
    RepairPath,
    SubmitArticles,
)
from shared.model.lane import Lane


@dataclass(frozen=True, slots=True)
class Step:
    """A step of one service: the message that it consumes, and the messages that it may emit.

    Unfinished items of a batch return to the same step, so `emits` does not name the step's own message for them.
    """

    service: str
    consumes: type[Message]
    emits: tuple[type[Message], ...]

    def queue(self, lane: Lane) -> str:
        """Return the queue of this step's messages in a lane."""
        return f"{self.service}.{lane}"

    @property
    def task_name(self) -> str:
        """Return the Celery task that runs this step."""
        return f"{self.service}.{self.consumes.__name__}"


# An event that is emitted upstream means: do this step again. Render emits ArticlesAccepted if an enriched object is
# missing. Publish emits ArticlesEnriched for pages that show a changed card, and ArticlesAccepted after a re-check.
SUBMIT_ARTICLES = Step("ingest", SubmitArticles, (ArticlesAccepted, ArticleRemoved))
ENRICH_ARTICLES = Step("enrich", ArticlesAccepted, (ArticlesEnriched, ArticleRemoved))
RENDER_ARTICLES = Step("render", ArticlesEnriched, (PagesRendered, ArticlesAccepted))
PUBLISH_PAGES = Step("publish", PagesRendered, (ListingsStale, ArticlesEnriched, ArticlesAccepted))
INDEX_ARTICLES = Step("publish", ArticlesPublished, (ListingsStale, ArticlesEnriched))
REMOVE_ARTICLE = Step("publish", ArticleRemoved, (ListingsStale, ArticlesEnriched, ArticleRemoved))
RENDER_LISTINGS = Step("render", ListingsStale, (ListingsRendered,))
PUBLISH_LISTINGS = Step("publish", ListingsRendered, (ListingsStale, ArticlesEnriched))
REPAIR_PATH = Step("publish", RepairPath, (ArticlesAccepted, ArticleRemoved, ListingsStale, RepairPath))

PIPELINE: tuple[Step, ...] = (
    SUBMIT_ARTICLES,
    ENRICH_ARTICLES,
    RENDER_ARTICLES,
    PUBLISH_PAGES,
    INDEX_ARTICLES,
    REMOVE_ARTICLE,
    RENDER_LISTINGS,
    PUBLISH_LISTINGS,
    REPAIR_PATH,
)

SCHEDULER_EMITS: tuple[type[Message], ...] = (
    SubmitArticles,
    ArticlesAccepted,
    ArticlesEnriched,
    ArticleRemoved,
    ArticlesPublished,
    ListingsStale,
)
"""The scheduler consumes no messages. It re-emits lost events, and emits due events and stale pages."""

WORKERS: tuple[str, ...] = ("ingest", "enrich", "render", "publish")


def steps_for(message: type[Message], pipeline: Sequence[Step] = PIPELINE) -> tuple[Step, ...]:
    """Return the steps that consume a kind of message; at least one.

    Raises:
        LookupError: no step consumes it.
    """
    steps = tuple(step for step in pipeline if step.consumes is message)
    if not steps:
        raise LookupError(f"no step consumes {message.__name__}")
    return steps


def queues_of(service: str, lanes: Iterable[Lane] = Lane) -> tuple[str, ...]:
    """Return a service's queues of these lanes, in the order in which its workers empty them."""
    served = set(lanes)
    return tuple(f"{service}.{lane}" for lane in Lane if lane in served)
