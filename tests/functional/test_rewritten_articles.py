"""An article that its sender continues under a new id is one article, in any order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest

from services.ingest.domain.accepted import Accepted
from shared.site import keys
from shared.site.keys import article_id
from tests.functional.conftest import Pipeline

A: dict[str, Any] = {
    "source_id": "A",
    "headline": "Ferry stops",
    "body": "<p>First text.</p>",
    "version_created": "2026-11-01T08:00:00Z",
}
B: dict[str, Any] = {
    "source_id": "B",
    "headline": "Ferry stops for a week",
    "body": "<p>Second text.</p>",
    "version_created": "2026-11-01T09:00:00Z",
    "replaces": ["A"],
}
C: dict[str, Any] = {
    "source_id": "C",
    "headline": "Ferry stops for a month",
    "body": "<p>Third text.</p>",
    "version_created": "2026-11-01T10:00:00Z",
    "replaces": ["B"],
}
KILL_A: dict[str, Any] = {"source_id": "A", "status": "canceled", "body": "", "version_created": A["version_created"]}
KILL_B: dict[str, Any] = {"source_id": "B", "status": "canceled", "body": "", "version_created": "2026-11-01T11:00:00Z"}
NAMES: dict[str, dict[str, Any]] = {"A": A, "B": B, "C": C, "kill A": KILL_A, "kill B": KILL_B}
IDENTITY = ("epn", "desk")
Post = Callable[[Sequence[str]], list[Accepted]]


@pytest.fixture
def post(pipeline: Pipeline) -> Post:
    """Post the named items in this order and run the pipeline after each."""

    def call(names: Sequence[str]) -> list[Accepted]:
        accepted = []
        for name in names:
            accepted.append(pipeline.post(**NAMES[name]))
            pipeline.run()
        pipeline.tick()
        pipeline.tick()
        return accepted

    return call


def id_of(source_id: str) -> str:
    return article_id(*IDENTITY, source_id)


def texts_shown(pipeline: Pipeline) -> list[str]:
    shown = str(pipeline.site_bytes())
    return [text for text in ("First text", "Second text", "Third text") if text in shown]


def orders(*names: str) -> list[Any]:
    found = []
    for order in permutations(names):
        found.append(pytest.param(order, id=", ".join(order)))
        found.append(pytest.param((*order, *order), id=", ".join(order) + ", twice"))
    return found


@pytest.mark.parametrize("order", orders("A", "B"))
def test_a_rewrite_keeps_the_address_and_shows_the_newer_text(
    pipeline: Pipeline, post: Post, order: tuple[str, ...]
) -> None:
    accepted = post(order)

    assert {each.article for each in accepted} == {id_of("A")}
    assert texts_shown(pipeline) == ["Second text"]
    assert len([path for path in pipeline.record(id_of("A")).claimed if path]) >= 1
    assert pipeline.record(id_of("B")).claimed == ()


@pytest.mark.parametrize("order", orders("A", "B", "kill A"))
def test_a_kill_of_the_first_id_removes_the_rewrite_in_every_order(
    pipeline: Pipeline, post: Post, order: tuple[str, ...]
) -> None:
    post(order)

    assert texts_shown(pipeline) == []
    assert pipeline.record(id_of("A")).revision is None or pipeline.record(id_of("A")).removed_by
    assert pipeline.record(id_of("B")).claimed == ()


@pytest.mark.parametrize("order", orders("A", "B", "kill B"))
def test_a_kill_of_the_second_id_removes_the_article_in_every_order(
    pipeline: Pipeline, post: Post, order: tuple[str, ...]
) -> None:
    post(order)

    assert texts_shown(pipeline) == []
    assert pipeline.record(id_of("B")).claimed == ()


@pytest.mark.parametrize(
    "order", [order for order in permutations("ABC") if order not in (("A", "C", "B"), ("C", "A", "B"))]
)
def test_a_chain_of_rewrites_is_one_article(pipeline: Pipeline, post: Post, order: tuple[str, ...]) -> None:
    post(order)

    assert texts_shown(pipeline) == ["Third text"]


@pytest.mark.parametrize("order", [("A", "B", "C", "kill A"), ("A", "B", "C", "kill B"), ("kill A", "C", "B", "A")])
def test_a_kill_reaches_a_whole_chain(pipeline: Pipeline, post: Post, order: tuple[str, ...]) -> None:
    post(order)

    assert texts_shown(pipeline) == []


@pytest.mark.parametrize("order", [("A", "C", "B"), ("C", "A", "B")])
def test_two_texts_that_are_connected_too_late_stay_two_articles_and_the_report_says_so(
    pipeline: Pipeline, post: Post, order: tuple[str, ...]
) -> None:
    *_, last = post(order)

    assert any("withdraw one of them" in warning for warning in last.report.warnings)


def test_a_later_item_of_the_new_id_needs_not_name_the_former_one(pipeline: Pipeline, post: Post) -> None:
    post(["A", "B"])

    update = pipeline.post(
        **B | {"replaces": [], "body": "<p>Third text.</p>", "version_created": "2026-11-01T09:30:00Z"}
    )
    pipeline.run()

    assert update.article == id_of("A")
    assert texts_shown(pipeline) == ["Third text"]


def test_a_kill_that_is_repeated_after_a_restore_is_a_duplicate(pipeline: Pipeline, post: Post) -> None:
    post(["A", "B", "kill A"])
    pipeline.act("restore", id_of("A"))
    pipeline.run()
    pipeline.tick()

    again = pipeline.post(**KILL_A)
    pipeline.run()
    pipeline.tick()

    assert again.status == "duplicate"
    assert texts_shown(pipeline) == ["Second text"]


def test_a_kill_that_is_older_than_its_own_ids_text_stays_superseded(pipeline: Pipeline, post: Post) -> None:
    post(["A", "B"])
    pipeline.post(**A | {"version_created": "2026-11-01T08:30:00Z", "body": "<p>First text, corrected.</p>"})

    kill = pipeline.post(**KILL_A)
    pipeline.run()

    assert kill.status == "superseded"
    assert texts_shown(pipeline) == ["Second text"]


def test_a_withdrawal_of_the_first_id_does_not_depend_on_its_arrival(pipeline: Pipeline, post: Post) -> None:
    post(["A", "B"])

    pipeline.post(**KILL_A | {"status": "withheld"})
    pipeline.run()

    assert texts_shown(pipeline) == ["Second text"]


def test_an_ordinary_item_makes_no_further_call_to_the_store(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    list_heads = pipeline.content.list_heads

    def counted(prefix: str, **options: Any) -> Any:
        listed.append(prefix)
        return list_heads(prefix, **options)

    monkeypatch.setattr(pipeline.content, "list_heads", counted)
    pipeline.post(**A)

    assert listed == [keys.article_prefix("epn", id_of("A"))]


def test_a_rebuild_and_an_index_restore_ignore_the_folder_of_a_connected_id(pipeline: Pipeline, post: Post) -> None:
    post(["A", "B"])
    before = pipeline.site_bytes()

    pipeline.redis.flushdb()
    pipeline.tick()
    pipeline.sweep()
    pipeline.run()
    pipeline.tick()

    assert pipeline.site_bytes() == before
