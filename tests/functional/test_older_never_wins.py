from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from shared.messages import ArticlesAccepted
from shared.storage import ObjectHead
from tests.functional.conftest import Line, next_page_of_article, page_in, stale_listings, with_page

EARLY, LATE = "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z"


def test_a_late_older_revision_is_stored_and_never_shown(line: Line) -> None:
    accepted = line.post(headline="Second word", version_created=LATE)
    line.run()

    late = line.post(headline="First word", version_created=EARLY)
    line.run()

    assert late.status == "superseded"
    assert "Second word" in line.page_of(accepted.article)
    assert len(line.intake.revisions.names("epn", accepted.article)) == 2
    assert line.receipt_status(late.receipt) == "superseded"


def test_a_late_render_never_overwrites_a_newer_page(line: Line) -> None:
    accepted = line.post(headline="Old words", version_created=EARLY)
    old = next_page_of_article(line)
    line.post(headline="New words", version_created=LATE)
    line.run()

    line.queue.extend(line.deliver(old))
    line.run()

    assert "New words" in line.page_of(accepted.article)


def test_a_publisher_that_stood_still_between_decision_and_put_leaves_nothing_old_behind(line: Line) -> None:
    accepted = line.post(headline="Old words", version_created=EARLY)
    old = next_page_of_article(line)
    put = line.public.put

    def put_after_the_others(key: str, *args: object, **kwargs: object) -> object:
        line.public.put = put  # type: ignore[method-assign]
        line.post(headline="New words", version_created=LATE)
        line.run()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.public.put = put_after_the_others  # type: ignore[assignment, method-assign]
    line.queue.extend(line.deliver(old))
    line.run()

    assert "New words" in line.page_of(accepted.article)


def test_an_old_page_put_over_a_page_that_went_back_to_its_first_bytes_is_mended(line: Line) -> None:
    """ETags are digests: A -> B -> A makes an old ETag match again, and only looking again helps."""
    accepted = line.post(headline="State A", version_created=EARLY)
    first = next_page_of_article(line)
    line.queue.extend(line.deliver(first))
    line.run()
    line.post(headline="State B", version_created=LATE)
    stalled = next_page_of_article(line)
    put = line.public.put

    def put_after_a_return_to_a(key: str, *args: object, **kwargs: object) -> object:
        line.public.put = put  # type: ignore[method-assign]
        line.post(headline="State C", version_created="2026-11-01T11:30:00Z")
        line.run()
        page = line.public.get(page_in(first).path)
        put(
            page_in(first).path, b"first bytes", metadata=dict(page.head.metadata)
        )  # whatever the ETag now is, let it match
        return put(key, *args, **(kwargs | {"if_etag": line.public.get(page_in(first).path).etag}))  # type: ignore[arg-type]

    line.public.put = put_after_a_return_to_a  # type: ignore[assignment, method-assign]
    line.queue.extend(line.deliver(stalled))
    assert any(isinstance(message, ArticlesAccepted) for message in line.queue), "nobody looked again"
    line.run()

    assert "State C" in line.page_of(accepted.article)


def put_when_the_rest_is_done(line: Line, path: str, rest: Callable[[], None]) -> None:
    """Stop the next publisher between its decision and its PUT at a path until the rest is done."""
    put = line.public.put

    def stopped_put(key: str, *args: object, **kwargs: object) -> object:
        if key == path:
            line.public.put = put  # type: ignore[method-assign]
            rest()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.public.put = stopped_put  # type: ignore[assignment, method-assign]


def test_a_publisher_that_stood_still_leaves_nothing_of_an_article_killed_before_its_first_page(line: Line) -> None:
    accepted = line.post(headline="Never to be seen")
    first = next_page_of_article(line)

    def kill() -> None:
        line.post(status="canceled", body="", version_created=LATE)
        line.run()

    put_when_the_rest_is_done(line, page_in(first).path, kill)
    line.queue.extend(line.deliver(first))
    line.run()
    line.tick()

    assert "Never to be seen" not in str(line.site_bytes())
    assert line.status_at(page_in(first).path) == "410"
    assert line.receipt_status(accepted.receipt) == "killed"


def test_a_publisher_that_stood_still_leaves_no_second_page_of_an_article_whose_address_moved(line: Line) -> None:
    accepted = line.post(headline="Moved", section="world", version_created=EARLY)
    first = next_page_of_article(line)

    def move() -> None:
        line.post(headline="Moved", section="news", version_created=LATE)
        line.run()

    put_when_the_rest_is_done(line, page_in(first).path, move)
    line.queue.extend(line.deliver(first))
    line.run()

    assert line.status_at(page_in(first).path) == "301"
    assert line.record(accepted.article).path == page_in(first).path.replace("world", "news")


def test_a_publisher_that_died_right_after_a_late_put_is_found_out_when_its_message_comes_again(line: Line) -> None:
    """It won because the ETag matched again, and died before it could look again."""
    accepted = line.post(headline="Old words", slug="words", version_created=EARLY)
    old = next_page_of_article(line)
    line.queue.extend(line.deliver(old))
    line.run()
    line.post(headline="New words", slug="words", version_created=LATE)
    line.run()
    page = line.public.get(page_in(old).path)
    metadata = dict(page.head.metadata) | {"order": page_in(old).order, "sha256": page_in(old).sha256}
    line.public.put(page_in(old).path, b"Old words", metadata=metadata)

    line.queue.extend(line.deliver(old))
    line.run()

    assert "New words" in line.page_of(accepted.article)


def test_a_redirect_that_a_late_publisher_overwrote_is_put_again(line: Line) -> None:
    accepted = line.post(headline="Moved", section="world", version_created=EARLY)
    old = next_page_of_article(line)
    line.queue.extend(line.deliver(old))
    line.run()
    line.post(headline="Moved", section="news", version_created=LATE)
    line.run()
    metadata = dict(line.public.get(page_in(old).path).head.metadata) | {
        "order": page_in(old).order,
        "sha256": page_in(old).sha256,
    }
    line.public.put(page_in(old).path, b"Old page", metadata=metadata | {"status": "200"})

    line.queue.extend(line.deliver(old))
    line.run()

    assert line.status_at(page_in(old).path) == "301"
    assert "Moved" in line.page_of(accepted.article)


def test_of_two_renderings_of_one_revision_the_one_that_knew_more_wins_whatever_the_clocks_say(line: Line) -> None:
    accepted = line.post(headline="Second headline", version_created=LATE)
    line.now += timedelta(hours=1)  # this renderer's clock is ahead
    knew_less = next_page_of_article(line)
    line.now -= timedelta(hours=1)
    line.post(headline="First headline", version_created=EARLY)
    line.run()

    line.queue.extend(line.deliver(knew_less))
    line.run()

    assert "first-headline" in (line.record(accepted.article).path or "")
    assert line.status_at(page_in(knew_less).path) == "301"


def test_a_lost_answer_to_a_put_is_not_taken_for_a_defeat(line: Line) -> None:
    from shared.errors import StorageUnavailableError

    accepted = line.post()
    page = next_page_of_article(line)
    put = line.public.put

    def put_and_lose_the_answer(key: str, *args: object, **kwargs: object) -> object:
        put(key, *args, **kwargs)  # type: ignore[arg-type]
        if key == page_in(page).path:
            line.public.put = put  # type: ignore[method-assign]
            raise StorageUnavailableError(key)
        return None

    line.public.put = put_and_lose_the_answer  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageUnavailableError):
        line.deliver(page)
    line.queue.extend(line.deliver(page))
    line.run()

    assert line.receipt_status(accepted.receipt) == "live"
    assert line.public.puts.count(page_in(page).path) == 1


def test_an_unstamped_update_comes_after_what_was_there(line: Line) -> None:
    accepted = line.post(headline="Stamped ahead", version_created="2026-11-01T18:00:00Z")
    line.run()

    line.post(headline="Unstamped", version_created=None)
    line.run()

    assert "Unstamped" in line.page_of(accepted.article)


def test_two_contents_under_one_stamp_end_in_the_one_that_came_last(line: Line) -> None:
    accepted = line.post(headline="First content")
    line.post(headline="Second content")
    line.run()

    assert "Second content" in line.page_of(accepted.article)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_and_any_repetition_of_messages_ends_in_the_same_site(new_line: partial[Line], seed: int) -> None:
    def publish(disorder: random.Random | None) -> dict[str, tuple[bytes, str]]:
        line = new_line()
        for number in range(3):
            for minute in range(3):
                line.post(
                    source_id=f"story-{number}",
                    headline=f"Story {number}, minute {minute}",
                    slug=f"story-{number}",
                    version_created=f"2026-11-01T10:0{minute}:00Z",
                )
        line.run(disorder=disorder)
        line.tick()
        return line.site_bytes()

    assert publish(random.Random(seed)) == publish(None)  # noqa: S311 -- disorder, not secrets


def test_a_front_page_that_a_stalled_publisher_put_back_is_rendered_again_also_after_hours(line: Line) -> None:
    """The index remembers that a later state was published."""
    line.post(headline="Only this")
    line.run()
    line.tick()
    line.index.touch(line.site, "home")
    (stale,) = [each for each in stale_listings(line) if "home" in each.listings]
    (stalled,) = line.deliver(stale.only(["home"]))
    line.index.end_turn(line.site, "home")  # twenty seconds later it counts as lost

    line.post(headline="The newer story", source_id="story-2", version_created=LATE)
    line.tick()
    before = line.public.get("index.html")
    old = {"order": page_in(stalled).order, "sha256": page_in(stalled).sha256}
    line.public.put("index.html", b"an old front page", metadata=dict(before.head.metadata) | old)  # its late PUT
    line.take(line.deliver(stalled))
    line.tick()

    assert "The newer story" in line.page("index.html")


def test_a_late_render_of_the_bytes_on_record_does_not_overwrite_a_newer_page(line: Line) -> None:
    line.post(headline="Old words", version_created=EARLY)
    page = next_page_of_article(line)
    line.take(line.deliver(page))
    line.run()
    again = with_page(page, order=page_in(page).order[:-1] + "9")  # rendered once more, a moment later
    line.post(headline="New words", version_created=LATE)
    newer = next_page_of_article(line)
    find_head = line.public.find_head

    def find_head_after_the_newer_page(key: str) -> ObjectHead | None:
        line.public.find_head = find_head  # type: ignore[method-assign]
        line.take(line.deliver(newer))
        return find_head(key)

    line.public.find_head = find_head_after_the_newer_page  # type: ignore[method-assign]
    line.deliver(again)

    assert "New words" in line.page(page_in(page).path)
