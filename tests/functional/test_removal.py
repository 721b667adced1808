from __future__ import annotations

from datetime import timedelta

import pytest

from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import store_picture
from shared.messaging.messages import ArticleRemoved, PagesRendered
from shared.runtime.errors import AddressTakenError, EdgeUnavailableError, ListingsStaleError
from tests.functional.conftest import Pipeline, next_page_of_article, with_page

LATER = "2026-11-01T11:00:00Z"
LATEST = "2026-11-01T11:30:00Z"


def test_a_kill_answers_410_at_every_address_the_article_ever_had(pipeline: Pipeline) -> None:
    accepted = pipeline.post(section="world")
    pipeline.run()
    pipeline.post(section="business", version_created=LATER)
    pipeline.run()
    claimed = pipeline.record(accepted.article).claimed

    kill = pipeline.post(status="canceled", body="", version_created=LATEST)
    pipeline.tick()

    assert len(claimed) == 2
    assert {pipeline.status_at(path) for path in claimed} == {"410"}
    assert all("Ferry" not in pipeline.page(path) for path in claimed)
    assert pipeline.receipt_status(kill.receipt) == "killed"


def test_a_kill_before_the_site_has_its_410_page_is_immediate_and_shows_that_page_later(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post()
    pipeline.run()
    path = pipeline.record(accepted.article).claimed[0]
    pipeline.post(status="canceled", body="", version_created=LATER)
    assert pipeline.public.find_head("410.html") is None

    pipeline.queue.extend(pipeline.deliver(pipeline.queue.pop(0)))
    assert pipeline.status_at(path) == "410"
    pipeline.tick()

    assert pipeline.page(path) == pipeline.page("410.html")
    assert pipeline.status_at(path) == "410"


def test_a_removal_completes_on_a_site_without_a_410_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()
    kill = pipeline.post(status="canceled", body="", version_created=LATER)

    pipeline.run()

    assert pipeline.queue == []
    assert pipeline.receipt_status(kill.receipt) == "killed"
    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"


def test_a_kill_purges_the_article_and_each_of_its_addresses_hard(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()
    pipeline.edge.purged_hard.clear()

    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()

    address = pipeline.record(accepted.article).claimed[0].removesuffix("index.html")
    assert {f"article:{accepted.article}", f"path:/{address}"} <= set(pipeline.edge.purged_hard)


def test_a_killed_article_vanishes_from_every_listing(pipeline: Pipeline) -> None:
    pipeline.post(headline="To be killed")
    pipeline.tick()
    assert "To be killed" in pipeline.page("index.html")

    pipeline.post(headline="KILL", status="canceled", body="", version_created=LATER)
    pipeline.tick()

    shown = [path for path, (body, _) in pipeline.site_bytes().items() if b"To be killed" in body or b"KILL" in body]
    assert shown == []


def test_a_revision_that_arrives_after_a_kill_stays_unpublished(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()
    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()

    late = pipeline.post(headline="Back again", version_created=LATEST)
    pipeline.run()
    pipeline.tick()

    assert "Back again" not in str(pipeline.site_bytes())
    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"
    assert pipeline.receipt_status(late.receipt) == "killed"


def test_a_kill_followed_by_an_update_still_takes_the_text_down(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.post(headline="Back again", version_created=LATEST)
    pipeline.run()

    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"
    assert "Back again" not in str(pipeline.site_bytes())


def test_a_withheld_article_comes_back_with_its_next_usable_revision(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()
    withheld = pipeline.post(status="withheld", body="", version_created=LATER)
    pipeline.run()
    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"
    assert pipeline.receipt_status(withheld.receipt) == "withdrawn"

    pipeline.post(headline="Back again", version_created=LATEST)
    pipeline.tick()

    assert "Back again" in pipeline.page_of(accepted.article)
    assert "Back again" in pipeline.page("index.html")


def test_a_kill_that_is_older_than_the_latest_revision_takes_nothing_down_and_warns(pipeline: Pipeline) -> None:
    accepted = pipeline.post(version_created=LATER)
    pipeline.run()

    kill = pipeline.post(status="canceled", body="", version_created="2026-11-01T09:00:00Z")
    pipeline.tick()

    assert kill.status == "superseded"
    assert "has no effect" in kill.report.warnings[-1]
    assert "Ferry" in pipeline.page_of(accepted.article)


def test_a_removal_needs_the_scope_of_its_token(pipeline: Pipeline) -> None:
    with pytest.raises(RefusedError) as refusal:
        pipeline.post(status="canceled", body="", may_take_down=False)

    assert refusal.value.code == 403


def test_an_expired_article_answers_410_at_its_time_and_not_before(pipeline: Pipeline) -> None:
    expiry = pipeline.now + timedelta(hours=1)
    accepted = pipeline.post(headline="For an hour", expires_at=expiry.isoformat())
    pipeline.tick()
    assert "For an hour" in pipeline.page("index.html")

    pipeline.now = expiry
    pipeline.tick()

    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"
    assert "For an hour" not in pipeline.page("index.html")
    assert pipeline.receipt_status(accepted.receipt) == "withdrawn"
    pipeline.redis.flushall()
    assert pipeline.receipt_status(accepted.receipt) == "withdrawn"  # also by the content bucket alone


def test_an_article_that_arrives_after_its_expiry_is_never_shown(pipeline: Pipeline) -> None:
    pipeline.post(headline="Too late", expires_at="2026-10-01T00:00:00Z")
    pipeline.tick()

    assert "Too late" not in str(pipeline.site_bytes())


def test_a_page_that_waited_until_its_article_expired_is_not_put(pipeline: Pipeline) -> None:
    expiry = pipeline.now + timedelta(hours=1)
    accepted = pipeline.post(headline="Rendered in time", expires_at=expiry.isoformat())
    while not any(isinstance(message, PagesRendered) for message in pipeline.queue):
        pipeline.queue.extend(pipeline.deliver(pipeline.queue.pop(0)))

    pipeline.now = expiry
    pipeline.run()
    pipeline.tick()

    assert "Rendered in time" not in str(pipeline.site_bytes())
    assert pipeline.receipt_status(accepted.receipt) == "withdrawn"


def test_two_articles_that_would_share_an_address_do_not_overwrite_one_another(pipeline: Pipeline) -> None:
    first = pipeline.post(source_id="one", headline="Weather")
    pipeline.run()
    path = pipeline.record(first.article).path or ""
    second = pipeline.post(source_id="two", headline="Weather")
    clash = with_page(next_page_of_article(pipeline), path=path)
    before = pipeline.page(path)

    with pytest.raises(AddressTakenError):
        pipeline.deliver(clash)
    pipeline.post(source_id="two", status="canceled", body="", version_created=LATEST)
    pipeline.run()

    assert path in pipeline.record(second.article).claimed
    assert (pipeline.page(path), pipeline.status_at(path)) == (before, "200")


def test_a_kill_before_the_first_page_puts_410_at_the_address_of_that_page(pipeline: Pipeline) -> None:
    """The public state does not depend on the order of arrival."""
    kill = pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()

    pipeline.post(headline="Too late")
    pipeline.tick()

    path = "world/2026/11/01/too-late-" + kill.article[:6] + "/index.html"
    assert pipeline.status_at(path) == "410"
    assert "Too late" not in str(pipeline.site_bytes())


def upload_picture(pipeline: Pipeline, a_picture: bytes) -> dict[str, object]:
    return {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media, "alt": "A ferry"}


def media_of(pipeline: Pipeline, article: str) -> str:
    return pipeline.record(article).media[0]


def test_a_killed_articles_picture_answers_410(pipeline: Pipeline, a_picture: bytes) -> None:
    accepted = pipeline.post(picture=upload_picture(pipeline, a_picture))
    pipeline.run()
    path = media_of(pipeline, accepted.article)
    assert pipeline.status_at(path) == "200"

    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()

    assert pipeline.status_at(path) == "410"
    assert f"path:/{path}" in pipeline.edge.purged_hard


def test_a_picture_stays_public_while_another_article_shows_it(pipeline: Pipeline, a_picture: bytes) -> None:
    shown = upload_picture(pipeline, a_picture)
    first = pipeline.post(source_id="one", picture=shown)
    pipeline.post(source_id="two", picture=shown)
    pipeline.run()
    path = media_of(pipeline, first.article)

    pipeline.post(source_id="one", status="canceled", body="", version_created=LATER)
    pipeline.run()
    assert pipeline.status_at(path) == "200"

    pipeline.post(source_id="two", status="canceled", body="", version_created=LATER)
    pipeline.run()
    assert pipeline.status_at(path) == "410"


def test_a_picture_removed_with_one_article_is_public_again_with_another(pipeline: Pipeline, a_picture: bytes) -> None:
    shown = upload_picture(pipeline, a_picture)
    first = pipeline.post(source_id="one", picture=shown)
    pipeline.run()
    path = media_of(pipeline, first.article)
    pipeline.post(source_id="one", status="canceled", body="", version_created=LATER)
    pipeline.run()

    pipeline.post(source_id="two", picture=shown)
    pipeline.run()

    assert pipeline.status_at(path) == "200"
    assert pipeline.public.get(path).body == a_picture


def test_an_article_that_begins_to_show_a_picture_during_its_removal_keeps_it(
    pipeline: Pipeline, a_picture: bytes
) -> None:
    shown = upload_picture(pipeline, a_picture)
    first = pipeline.post(source_id="one", picture=shown)
    pipeline.run()
    path = media_of(pipeline, first.article)
    pipeline.post(source_id="one", status="canceled", body="", version_created=LATER)
    put = pipeline.public.put

    def put_after_the_check(key: str, *args: object, **kwargs: object) -> object:
        if key == path:
            pipeline.public.put = put  # type: ignore[method-assign]
            pipeline.post(source_id="two", picture=shown)
            pipeline.run()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.public.put = put_after_the_check  # type: ignore[assignment, method-assign]
    pipeline.run()

    assert pipeline.public.get(path).body == a_picture


def test_a_kill_is_not_reported_done_while_the_edge_still_shows_the_page(pipeline: Pipeline) -> None:
    pipeline.post()
    pipeline.run()
    kill = pipeline.post(status="canceled", body="", version_created=LATER)
    (message,) = pipeline.queue

    pipeline.edge.shows = 200
    for _ in range(2):
        with pytest.raises(EdgeUnavailableError, match="do not get 410 yet"):
            pipeline.deliver(message)
        assert pipeline.redis.hget(f"receipt:{kill.receipt}", "status") == "accepted"
    pipeline.edge.shows = None
    pipeline.run()

    assert pipeline.redis.hget(f"receipt:{kill.receipt}", "status") == "killed"


def test_a_kill_works_while_the_index_is_incomplete(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    pipeline.redis.flushall()

    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()

    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"


def test_a_withdrawal_updates_listings_before_it_removes_the_page(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="On its way out")
    pipeline.tick()
    path = pipeline.record(accepted.article).path or ""
    pipeline.public.puts.clear()

    pipeline.post(status="withheld", body="", version_created=LATER)
    pipeline.tick()

    fronts = {"index.html", "_rail/latest.html", "world/index.html"}
    assert pipeline.status_at(path) == "410"
    assert fronts <= set(pipeline.public.puts[: pipeline.public.puts.index(path)])


def test_a_withdrawal_does_not_wait_for_ever_for_stale_listings(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="On its way out")
    pipeline.tick()
    path = pipeline.record(accepted.article).path or ""
    pipeline.post(status="withheld", body="", version_created=LATER)
    first, *_ = pipeline.queue
    pipeline.queue.clear()
    (again,) = [each for each in pipeline.deliver(first) if isinstance(each, ArticleRemoved)]
    with pytest.raises(ListingsStaleError):
        pipeline.deliver(again)
    assert pipeline.status_at(path) == "200"

    pipeline.now += timedelta(seconds=10)
    pipeline.deliver(again)

    assert pipeline.status_at(path) == "410"


def test_a_kill_beats_a_later_revision_that_was_live_before_the_kill_was_committed(pipeline: Pipeline) -> None:
    """The kill read no newer revision when it began; an update was committed before it."""
    accepted = pipeline.post(headline="Killed words")
    pipeline.run()
    put = pipeline.content.put

    def put_after_the_update(key: str, *args: object, **kwargs: object) -> object:
        if "/tombstone." in key:
            pipeline.content.put = put  # type: ignore[method-assign]
            pipeline.post(headline="Killed words, updated", version_created=LATEST)
            pipeline.run()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.content.put = put_after_the_update  # type: ignore[assignment, method-assign]
    kill = pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.tick()

    assert kill.status == "accepted"
    assert {pipeline.status_at(path) for path in pipeline.record(accepted.article).claimed} == {"410"}
    assert "Killed words" not in str(pipeline.site_bytes())
    assert pipeline.receipt_status(kill.receipt) == "killed"
    pipeline.sweep()
    assert pipeline.queue == []


def test_a_late_removal_leaves_the_picture_of_an_article_that_is_back(pipeline: Pipeline, a_picture: bytes) -> None:
    shown = upload_picture(pipeline, a_picture)
    accepted = pipeline.post(picture=shown)
    pipeline.tick()
    path, picture = pipeline.record(accepted.article).path or "", media_of(pipeline, accepted.article)
    pipeline.post(status="withheld", body="", version_created=LATER)
    put = pipeline.public.put

    def put_and_be_overtaken(key: str, *args: object, **kwargs: object) -> object:
        etag = put(key, *args, **kwargs)  # type: ignore[arg-type]
        if key == path:
            pipeline.public.put = put  # type: ignore[method-assign]
            pipeline.post(picture=shown, version_created=LATEST)
            pipeline.run()
        return etag

    pipeline.public.put = put_and_be_overtaken  # type: ignore[assignment, method-assign]
    pipeline.tick()

    assert (pipeline.status_at(path), pipeline.status_at(picture)) == ("200", "200")


def test_a_removed_article_is_no_longer_a_user_of_its_picture(pipeline: Pipeline, a_picture: bytes) -> None:
    shown = upload_picture(pipeline, a_picture)
    pipeline.post(picture=shown)
    pipeline.run()

    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()

    assert [key for key in pipeline.content.list_keys("media/") if "/used-by/" in key] == []
