"""Renders accepted articles by dry runs of enrich and render, each as `run-step` of its service."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.ingest.ports import RenderedPages
from shared.messaging.messages import ArticlesAccepted, PagesRendered
from shared.messaging.page_bundle import ArticlePage, read_bundle
from shared.messaging.pipeline import ENRICH_ARTICLES, PUBLISH_PAGES, RENDER_ARTICLES, Step
from shared.runtime.step_events import as_event, message_of, objects_of, read_event
from shared.storage.memory import MemoryObjectStorage

_STEPS = {step.task_name: step for step in (ENRICH_ARTICLES, RENDER_ARTICLES, PUBLISH_PAGES)}
_MAX_RUNS = 20  # of steps in one dry run: a batch may end early and leave a rest


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The output of a step: its follow-ups, one a line, and the reasons of failed items."""

    follow_ups: bytes
    problems: tuple[str, ...] = ()


RunStep = Callable[[Step, bytes], StepOutput]
"""Makes a dry run of a step on an event."""


def render_pages(message: ArticlesAccepted, objects: Mapping[str, bytes], run_step: RunStep) -> RenderedPages:
    """Return the pages of accepted articles, and the problems of the articles that have none.

    Raises:
        UnusableEventError: a step printed no valid event.
    """
    pages: list[tuple[ArticlePage, bytes]] = []
    problems: list[str] = []
    waiting = [(ENRICH_ARTICLES, json.dumps(as_event(ENRICH_ARTICLES, message, objects)).encode())]
    for _ in range(_MAX_RUNS):
        if not waiting:
            break
        output = run_step(*waiting.pop(0))
        problems += output.problems
        for line in output.follow_ups.splitlines():
            event = read_event(line)
            step = _STEPS.get(str(event.get("task")))
            if step is PUBLISH_PAGES:
                rendered = message_of(step, event)
                bucket = MemoryObjectStorage()
                for key, body in objects_of(event).items():
                    bucket.put(key, body)
                if isinstance(rendered, PagesRendered):
                    pages += read_bundle(rendered, ArticlePage, bucket)
            elif step is not None:
                waiting.append((step, line))
    if waiting:
        problems.append(f"the dry run ended after {_MAX_RUNS} steps; pages may be missing")
    return RenderedPages(tuple(pages), tuple(dict.fromkeys(problems)))
