from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from shared.messaging.messages import ArticlesAccepted
from shared.storage import ObjectHead
from tests.functional.conftest import Pipeline, next_page_of_article, page_in, stale_listings, with_page

EARLY, LATE = "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z"


def test_a_late_older_revision_is_stored_and_never_shown(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Second word", version_created=LATE)
    pipeline.run()

    late = pipeline.post(headline="First word", version_created=EARLY)
    pipeline.run()

    assert late.status == "superseded"
    assert "Second word" in pipeline.page_of(accepted.article)
    assert len(pipeline.ingest_deps.revisions.names("epn", accepted.article)) == 2
    assert pipeline.receipt_status(late.receipt) == "superseded"


def test_a_late_render_never_overwrites_a_newer_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Old words", version_created=EARLY)
    old = next_page_of_article(pipeline)
    pipeline.post(headline="New words", version_created=LATE)
    pipeline.run()

    pipeline.queue.extend(pipeline.deliver(old))
    pipeline.run()

    assert "New words" in pipeline.page_of(accepted.article)


def test_a_publisher_stalled_between_its_decision_and_its_put_leaves_no_old_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Old words", version_created=EARLY)
    old = next_page_of_article(pipeline)
    put = pipeline.public.put

    def put_after_a_newer_page(key: str, *args: object, **kwargs: object) -> object:
        pipeline.public.put = put  # type: ignore[method-assign]
        pipeline.post(headline="New words", version_created=LATE)
        pipeline.run()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.public.put = put_after_a_newer_page  # type: ignore[assignment, method-assign]
    pipeline.queue.extend(pipeline.deliver(old))
    pipeline.run()

    assert "New words" in pipeline.page_of(accepted.article)


def test_an_old_page_put_over_a_page_that_returned_to_its_first_bytes_is_replaced(pipeline: Pipeline) -> None:
    """ETags are digests: after A -> B -> A an old ETag matches again, and only the recheck after the PUT helps."""
    accepted = pipeline.post(headline="State A", version_created=EARLY)
    first = next_page_of_article(pipeline)
    pipeline.queue.extend(pipeline.deliver(first))
    pipeline.run()
    pipeline.post(headline="State B", version_created=LATE)
    stalled = next_page_of_article(pipeline)
    put = pipeline.public.put

    def put_after_a_return_to_a(key: str, *args: object, **kwargs: object) -> object:
        pipeline.public.put = put  # type: ignore[method-assign]
        pipeline.post(headline="State C", version_created="2026-11-01T11:30:00Z")
        pipeline.run()
        page = pipeline.public.get(page_in(first).path)
        put(page_in(first).path, b"first bytes", metadata=dict(page.head.metadata))  # make the ETag match
        return put(key, *args, **(kwargs | {"if_etag": pipeline.public.get(page_in(first).path).etag}))  # type: ignore[arg-type]

    pipeline.public.put = put_after_a_return_to_a  # type: ignore[assignment, method-assign]
    pipeline.queue.extend(pipeline.deliver(stalled))
    assert any(isinstance(message, ArticlesAccepted) for message in pipeline.queue), "no recheck after the PUT"
    pipeline.run()

    assert "State C" in pipeline.page_of(accepted.article)


def stall_put(pipeline: Pipeline, path: str, happens: Callable[[], None]) -> None:
    """Stall the next publisher between its decision and its PUT to a path; call `happens` meanwhile."""
    put = pipeline.public.put

    def stopped_put(key: str, *args: object, **kwargs: object) -> object:
        if key == path:
            pipeline.public.put = put  # type: ignore[method-assign]
            happens()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.public.put = stopped_put  # type: ignore[assignment, method-assign]


def test_a_stalled_publisher_leaves_no_page_of_an_article_killed_before_its_first_page(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post(headline="Never to be seen")
    first = next_page_of_article(pipeline)

    def kill() -> None:
        pipeline.post(status="canceled", body="", version_created=LATE)
        pipeline.run()

    stall_put(pipeline, page_in(first).path, kill)
    pipeline.queue.extend(pipeline.deliver(first))
    pipeline.run()
    pipeline.tick()

    assert "Never to be seen" not in str(pipeline.site_bytes())
    assert pipeline.status_at(page_in(first).path) == "410"
    assert pipeline.receipt_status(accepted.receipt) == "killed"


def test_a_stalled_publisher_leaves_no_second_page_of_an_article_whose_address_moved(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post(headline="Moved", section="world", version_created=EARLY)
    first = next_page_of_article(pipeline)

    def move() -> None:
        pipeline.post(headline="Moved", section="news", version_created=LATE)
        pipeline.run()

    stall_put(pipeline, page_in(first).path, move)
    pipeline.queue.extend(pipeline.deliver(first))
    pipeline.run()

    assert pipeline.status_at(page_in(first).path) == "301"
    assert pipeline.record(accepted.article).path == page_in(first).path.replace("world", "news")


def test_a_late_put_of_a_killed_publisher_is_replaced_when_its_message_is_redelivered(
    pipeline: Pipeline,
) -> None:
    """Its PUT succeeded because the ETag matched again, and it died before the recheck."""
    accepted = pipeline.post(headline="Old words", slug="words", version_created=EARLY)
    old = next_page_of_article(pipeline)
    pipeline.queue.extend(pipeline.deliver(old))
    pipeline.run()
    pipeline.post(headline="New words", slug="words", version_created=LATE)
    pipeline.run()
    page = pipeline.public.get(page_in(old).path)
    metadata = dict(page.head.metadata) | {"order": page_in(old).order, "sha256": page_in(old).sha256}
    pipeline.public.put(page_in(old).path, b"Old words", metadata=metadata)

    pipeline.queue.extend(pipeline.deliver(old))
    pipeline.run()

    assert "New words" in pipeline.page_of(accepted.article)


def test_a_redirect_that_a_late_publisher_overwrote_is_put_again(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Moved", section="world", version_created=EARLY)
    old = next_page_of_article(pipeline)
    pipeline.queue.extend(pipeline.deliver(old))
    pipeline.run()
    pipeline.post(headline="Moved", section="news", version_created=LATE)
    pipeline.run()
    metadata = dict(pipeline.public.get(page_in(old).path).head.metadata) | {
        "order": page_in(old).order,
        "sha256": page_in(old).sha256,
    }
    pipeline.public.put(page_in(old).path, b"Old page", metadata=metadata | {"status": "200"})

    pipeline.queue.extend(pipeline.deliver(old))
    pipeline.run()

    assert pipeline.status_at(page_in(old).path) == "301"
    assert "Moved" in pipeline.page_of(accepted.article)


def test_of_two_renders_of_one_revision_the_one_that_read_more_revisions_wins_under_any_clock(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post(headline="Second headline", version_created=LATE)
    pipeline.now += timedelta(hours=1)  # this render worker's clock is ahead
    stale_render = next_page_of_article(pipeline)
    pipeline.now -= timedelta(hours=1)
    pipeline.post(headline="First headline", version_created=EARLY)
    pipeline.run()

    pipeline.queue.extend(pipeline.deliver(stale_render))
    pipeline.run()

    assert "first-headline" in (pipeline.record(accepted.article).path or "")
    assert pipeline.status_at(page_in(stale_render).path) == "301"


def test_a_put_whose_answer_was_lost_counts_as_done(pipeline: Pipeline) -> None:
    from shared.runtime.errors import StorageUnavailableError

    accepted = pipeline.post()
    page = next_page_of_article(pipeline)
    put = pipeline.public.put

    def put_and_lose_the_answer(key: str, *args: object, **kwargs: object) -> object:
        put(key, *args, **kwargs)  # type: ignore[arg-type]
        if key == page_in(page).path:
            pipeline.public.put = put  # type: ignore[method-assign]
            raise StorageUnavailableError(key)
        return None

    pipeline.public.put = put_and_lose_the_answer  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageUnavailableError):
        pipeline.deliver(page)
    pipeline.queue.extend(pipeline.deliver(page))
    pipeline.run()

    assert pipeline.receipt_status(accepted.receipt) == "live"
    assert pipeline.public.puts.count(page_in(page).path) == 1


def test_an_unstamped_update_is_ordered_after_the_stored_revisions(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Stamped ahead", version_created="2026-11-01T18:00:00Z")
    pipeline.run()

    pipeline.post(headline="Unstamped", version_created=None)
    pipeline.run()

    assert "Unstamped" in pipeline.page_of(accepted.article)


def test_of_two_contents_under_one_stamp_the_last_to_arrive_is_live(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="First content")
    pipeline.post(headline="Second content")
    pipeline.run()

    assert "Second content" in pipeline.page_of(accepted.article)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_and_any_repetition_of_messages_ends_in_the_same_site(
    new_pipeline: partial[Pipeline], seed: int
) -> None:
    def publish(disorder: random.Random | None) -> dict[str, tuple[bytes, str]]:
        pipeline = new_pipeline()
        for number in range(3):
            for minute in range(3):
                pipeline.post(
                    source_id=f"story-{number}",
                    headline=f"Story {number}, minute {minute}",
                    slug=f"story-{number}",
                    version_created=f"2026-11-01T10:0{minute}:00Z",
                )
        pipeline.run(disorder=disorder)
        pipeline.tick()
        return pipeline.site_bytes()

    assert publish(random.Random(seed)) == publish(None)  # noqa: S311 -- disorder, not secrets


def test_a_front_page_that_a_stalled_publisher_put_back_is_rendered_again(pipeline: Pipeline) -> None:
    """The index holds the published version of the later state."""
    pipeline.post(headline="Only this")
    pipeline.run()
    pipeline.tick()
    pipeline.index.mark_stale(pipeline.site, "home")
    (stale,) = [each for each in stale_listings(pipeline) if "home" in each.listings]
    (stalled,) = pipeline.deliver(stale.only(["home"]))
    pipeline.index.release_lease(pipeline.site, "home")  # as after twenty seconds: the message counts as lost

    pipeline.post(headline="The newer story", source_id="story-2", version_created=LATE)
    pipeline.tick()
    before = pipeline.public.get("index.html")
    old = {"order": page_in(stalled).order, "sha256": page_in(stalled).sha256}
    pipeline.public.put("index.html", b"an old front page", metadata=dict(before.head.metadata) | old)  # its late PUT
    pipeline.take(pipeline.deliver(stalled))
    pipeline.tick()

    assert "The newer story" in pipeline.page("index.html")


def test_a_late_render_of_the_recorded_bytes_does_not_overwrite_a_newer_page(pipeline: Pipeline) -> None:
    pipeline.post(headline="Old words", version_created=EARLY)
    page = next_page_of_article(pipeline)
    pipeline.take(pipeline.deliver(page))
    pipeline.run()
    again = with_page(page, order=page_in(page).order[:-1] + "9")  # rendered again, a moment later
    pipeline.post(headline="New words", version_created=LATE)
    newer = next_page_of_article(pipeline)
    find_head = pipeline.public.find_head

    def find_head_after_the_newer_page(key: str) -> ObjectHead | None:
        pipeline.public.find_head = find_head  # type: ignore[method-assign]
        pipeline.take(pipeline.deliver(newer))
        return find_head(key)

    pipeline.public.find_head = find_head_after_the_newer_page  # type: ignore[method-assign]
    pipeline.deliver(again)

    assert "New words" in pipeline.page(page_in(page).path)
