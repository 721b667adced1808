"""A dry run of the steps after an acceptance ends, and tells that it has ended early."""

from __future__ import annotations

import json
from uuid import UUID

from services.ingest.adapters.step_chain import StepOutput, render_pages
from shared.messaging.messages import ArticleRevision, ArticlesAccepted
from shared.messaging.pipeline import ENRICH_ARTICLES, Step
from shared.runtime.step_events import as_event

MESSAGE = ArticlesAccepted(
    message_id=UUID(int=1),
    site="epn",
    articles=(ArticleRevision(article="a" * 26, revision="01739407500000000-0000000001-000"),),
)
AGAIN = json.dumps(as_event(ENRICH_ARTICLES, MESSAGE, {})).encode()


def test_a_dry_run_whose_steps_never_end_says_so_after_twenty() -> None:
    events: list[bytes] = []

    def run_step(_: Step, event: bytes) -> StepOutput:
        events.append(event)
        return StepOutput(AGAIN)

    rendered = render_pages(MESSAGE, {}, run_step)

    assert len(events) == 20
    assert rendered.problems == ("the dry run ended after 20 steps; pages may be missing",)


def test_a_dry_run_that_ends_by_itself_has_no_problem() -> None:
    assert render_pages(MESSAGE, {}, lambda _, __: StepOutput(b"")).problems == ()
