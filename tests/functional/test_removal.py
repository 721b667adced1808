from __future__ import annotations

from datetime import timedelta

import pytest

from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import keep_picture
from shared.errors import AddressTakenError, EdgeUnavailableError, ListingsBehindError
from shared.messages import ArticleRemoved, PagesRendered
from tests.functional.conftest import Line, next_page_of_article, with_page

LATER = "2026-11-01T11:00:00Z"
LATEST = "2026-11-01T11:30:00Z"


def test_a_kill_answers_410_at_every_address_the_article_ever_had(line: Line) -> None:
    accepted = line.post(section="world")
    line.run()
    line.post(section="business", version_created=LATER)
    line.run()
    claimed = line.record(accepted.article).claimed

    kill = line.post(status="canceled", body="", version_created=LATEST)
    line.tick()

    assert len(claimed) == 2
    assert {line.status_at(path) for path in claimed} == {"410"}
    assert all("Ferry" not in line.page(path) for path in claimed)
    assert line.receipt_status(kill.receipt) == "killed"


def test_a_kill_before_the_site_has_its_410_page_is_done_at_once_and_bears_that_page_in_the_end(line: Line) -> None:
    accepted = line.post()
    line.run()
    path = line.record(accepted.article).claimed[0]
    line.post(status="canceled", body="", version_created=LATER)
    assert line.public.find_head("410.html") is None

    line.queue.extend(line.deliver(line.queue.pop(0)))
    assert line.status_at(path) == "410"
    line.tick()

    assert line.page(path) == line.page("410.html")
    assert line.status_at(path) == "410"


def test_a_removal_where_the_site_never_gets_a_410_page_ends_all_the_same(line: Line) -> None:
    accepted = line.post()
    line.run()
    kill = line.post(status="canceled", body="", version_created=LATER)

    line.run()

    assert line.queue == []
    assert line.receipt_status(kill.receipt) == "killed"
    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"


def test_a_kill_purges_the_article_and_each_of_its_addresses_hard(line: Line) -> None:
    accepted = line.post()
    line.run()
    line.edge.purged_hard.clear()

    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    address = line.record(accepted.article).claimed[0].removesuffix("index.html")
    assert {f"article:{accepted.article}", f"path:/{address}"} <= set(line.edge.purged_hard)


def test_a_killed_article_vanishes_from_every_listing(line: Line) -> None:
    line.post(headline="To be killed")
    line.tick()
    assert "To be killed" in line.page("index.html")

    line.post(headline="KILL", status="canceled", body="", version_created=LATER)
    line.tick()

    shown = [path for path, (body, _) in line.site_bytes().items() if b"To be killed" in body or b"KILL" in body]
    assert shown == []


def test_a_revision_that_comes_after_a_kill_stays_unpublished(line: Line) -> None:
    accepted = line.post()
    line.run()
    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    late = line.post(headline="Back again", version_created=LATEST)
    line.run()
    line.tick()

    assert "Back again" not in str(line.site_bytes())
    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert line.receipt_status(late.receipt) == "killed"


def test_a_kill_followed_at_once_by_an_update_takes_the_text_down_all_the_same(line: Line) -> None:
    accepted = line.post()
    line.run()

    line.post(status="canceled", body="", version_created=LATER)
    line.post(headline="Back again", version_created=LATEST)
    line.run()

    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert "Back again" not in str(line.site_bytes())


def test_a_withheld_article_comes_back_with_its_next_usable_revision(line: Line) -> None:
    accepted = line.post()
    line.run()
    withheld = line.post(status="withheld", body="", version_created=LATER)
    line.run()
    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert line.receipt_status(withheld.receipt) == "withdrawn"

    line.post(headline="Back again", version_created=LATEST)
    line.tick()

    assert "Back again" in line.page_of(accepted.article)
    assert "Back again" in line.page("index.html")


def test_a_kill_that_is_older_than_the_latest_revision_takes_nothing_down_and_says_so(line: Line) -> None:
    accepted = line.post(version_created=LATER)
    line.run()

    kill = line.post(status="canceled", body="", version_created="2026-11-01T09:00:00Z")
    line.tick()

    assert kill.status == "superseded"
    assert "takes nothing down" in kill.report.warnings[-1]
    assert "Ferry" in line.page_of(accepted.article)


def test_taking_down_needs_the_scope(line: Line) -> None:
    with pytest.raises(RefusedError) as refusal:
        line.post(status="canceled", body="", may_take_down=False)

    assert refusal.value.code == 403


def test_an_expired_article_is_gone_at_its_time_and_not_before(line: Line) -> None:
    expiry = line.now + timedelta(hours=1)
    accepted = line.post(headline="For an hour", expires_at=expiry.isoformat())
    line.tick()
    assert "For an hour" in line.page("index.html")

    line.now = expiry
    line.tick()

    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert "For an hour" not in line.page("index.html")
    assert line.receipt_status(accepted.receipt) == "withdrawn"
    line.redis.flushall()
    assert line.receipt_status(accepted.receipt) == "withdrawn"  # the bucket alone says so too


def test_an_article_that_had_expired_before_it_came_is_never_shown(line: Line) -> None:
    line.post(headline="Too late", expires_at="2026-10-01T00:00:00Z")
    line.tick()

    assert "Too late" not in str(line.site_bytes())


def test_a_page_that_waited_until_its_article_expired_is_not_put(line: Line) -> None:
    expiry = line.now + timedelta(hours=1)
    accepted = line.post(headline="Rendered in time", expires_at=expiry.isoformat())
    while not any(isinstance(message, PagesRendered) for message in line.queue):
        line.queue.extend(line.deliver(line.queue.pop(0)))

    line.now = expiry
    line.run()
    line.tick()

    assert "Rendered in time" not in str(line.site_bytes())
    assert line.receipt_status(accepted.receipt) == "withdrawn"


def test_two_articles_that_would_share_an_address_do_not_overwrite_one_another(line: Line) -> None:
    first = line.post(source_id="one", headline="Weather")
    line.run()
    path = line.record(first.article).path or ""
    second = line.post(source_id="two", headline="Weather")
    clash = with_page(next_page_of_article(line), path=path)
    before = line.page(path)

    with pytest.raises(AddressTakenError):
        line.deliver(clash)
    line.post(source_id="two", status="canceled", body="", version_created=LATEST)
    line.run()

    assert path in line.record(second.article).claimed
    assert (line.page(path), line.status_at(path)) == (before, "200")


def test_a_kill_that_comes_before_the_first_page_leaves_410_where_it_would_have_been(line: Line) -> None:
    """The same end as if the page had been there: what is public does not depend on what came first."""
    kill = line.post(status="canceled", body="", version_created=LATER)
    line.run()

    line.post(headline="Too late")
    line.tick()

    path = "world/2026/11/01/too-late-" + kill.article[:6] + "/index.html"
    assert line.status_at(path) == "410"
    assert "Too late" not in str(line.site_bytes())


def keep_picture_of(line: Line, a_picture: bytes) -> dict[str, object]:
    return {"media": keep_picture(a_picture, line.site, line.intake).media, "alt": "A ferry"}


def media_of(line: Line, article: str) -> str:
    return line.record(article).media[0]


def test_a_killed_articles_picture_answers_410(line: Line, a_picture: bytes) -> None:
    accepted = line.post(picture=keep_picture_of(line, a_picture))
    line.run()
    path = media_of(line, accepted.article)
    assert line.status_at(path) == "200"

    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    assert line.status_at(path) == "410"
    assert f"path:/{path}" in line.edge.purged_hard


def test_a_picture_stays_for_as_long_as_another_article_shows_it(line: Line, a_picture: bytes) -> None:
    shown = keep_picture_of(line, a_picture)
    first = line.post(source_id="one", picture=shown)
    line.post(source_id="two", picture=shown)
    line.run()
    path = media_of(line, first.article)

    line.post(source_id="one", status="canceled", body="", version_created=LATER)
    line.run()
    assert line.status_at(path) == "200"

    line.post(source_id="two", status="canceled", body="", version_created=LATER)
    line.run()
    assert line.status_at(path) == "410"


def test_a_picture_that_went_with_one_article_comes_back_with_another(line: Line, a_picture: bytes) -> None:
    shown = keep_picture_of(line, a_picture)
    first = line.post(source_id="one", picture=shown)
    line.run()
    path = media_of(line, first.article)
    line.post(source_id="one", status="canceled", body="", version_created=LATER)
    line.run()

    line.post(source_id="two", picture=shown)
    line.run()

    assert line.status_at(path) == "200"
    assert line.public.get(path).body == a_picture


def test_an_article_that_takes_up_a_picture_while_another_goes_down_with_it_keeps_it(
    line: Line, a_picture: bytes
) -> None:
    shown = keep_picture_of(line, a_picture)
    first = line.post(source_id="one", picture=shown)
    line.run()
    path = media_of(line, first.article)
    line.post(source_id="one", status="canceled", body="", version_created=LATER)
    put = line.public.put

    def put_after_the_other_has_looked(key: str, *args: object, **kwargs: object) -> object:
        if key == path:
            line.public.put = put  # type: ignore[method-assign]
            line.post(source_id="two", picture=shown)
            line.run()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.public.put = put_after_the_other_has_looked  # type: ignore[assignment, method-assign]
    line.run()

    assert line.public.get(path).body == a_picture


def test_a_kill_is_not_told_done_while_the_edge_still_shows_the_page(line: Line) -> None:
    line.post()
    line.run()
    kill = line.post(status="canceled", body="", version_created=LATER)
    (message,) = line.queue

    line.edge.shows = 200
    for _ in range(2):
        with pytest.raises(EdgeUnavailableError, match="do not get 410 yet"):
            line.deliver(message)
        assert line.redis.hget(f"receipt:{kill.receipt}", "status") == "accepted"
    line.edge.shows = None
    line.run()

    assert line.redis.hget(f"receipt:{kill.receipt}", "status") == "killed"


def test_a_kill_works_while_the_index_is_incomplete(line: Line) -> None:
    accepted = line.post()
    line.tick()
    line.redis.flushall()

    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"


def test_a_withdrawal_goes_listings_first(line: Line) -> None:
    accepted = line.post(headline="On its way out")
    line.tick()
    path = line.record(accepted.article).path or ""
    line.public.puts.clear()

    line.post(status="withheld", body="", version_created=LATER)
    line.tick()

    fronts = {"index.html", "_rail/latest.html", "world/index.html"}
    assert line.status_at(path) == "410"
    assert fronts <= set(line.public.puts[: line.public.puts.index(path)])


def test_a_withdrawal_does_not_wait_for_listings_that_nobody_renders(line: Line) -> None:
    accepted = line.post(headline="On its way out")
    line.tick()
    path = line.record(accepted.article).path or ""
    line.post(status="withheld", body="", version_created=LATER)
    first, *_ = line.queue
    line.queue.clear()
    (again,) = [each for each in line.deliver(first) if isinstance(each, ArticleRemoved)]
    with pytest.raises(ListingsBehindError):
        line.deliver(again)
    assert line.status_at(path) == "200"

    line.now += timedelta(seconds=10)
    line.deliver(again)

    assert line.status_at(path) == "410"


def test_a_kill_beats_a_later_revision_that_was_live_before_the_kill_was_committed(line: Line) -> None:
    """The kill saw nothing newer when it began; an update overtook it on the way to the store."""
    accepted = line.post(headline="Killed words")
    line.run()
    put = line.content.put

    def put_after_the_update(key: str, *args: object, **kwargs: object) -> object:
        if "/tombstone." in key:
            line.content.put = put  # type: ignore[method-assign]
            line.post(headline="Killed words, updated", version_created=LATEST)
            line.run()
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.content.put = put_after_the_update  # type: ignore[assignment, method-assign]
    kill = line.post(status="canceled", body="", version_created=LATER)
    line.tick()

    assert kill.status == "accepted"
    assert {line.status_at(path) for path in line.record(accepted.article).claimed} == {"410"}
    assert "Killed words" not in str(line.site_bytes())
    assert line.receipt_status(kill.receipt) == "killed"
    line.sweep()
    assert line.queue == []


def test_a_late_removal_leaves_the_picture_of_an_article_that_is_back(line: Line, a_picture: bytes) -> None:
    shown = keep_picture_of(line, a_picture)
    accepted = line.post(picture=shown)
    line.tick()
    path, picture = line.record(accepted.article).path or "", media_of(line, accepted.article)
    line.post(status="withheld", body="", version_created=LATER)
    put = line.public.put

    def put_and_be_overtaken(key: str, *args: object, **kwargs: object) -> object:
        etag = put(key, *args, **kwargs)  # type: ignore[arg-type]
        if key == path:
            line.public.put = put  # type: ignore[method-assign]
            line.post(picture=shown, version_created=LATEST)
            line.run()
        return etag

    line.public.put = put_and_be_overtaken  # type: ignore[assignment, method-assign]
    line.tick()

    assert (line.status_at(path), line.status_at(picture)) == ("200", "200")


def test_an_article_that_was_taken_down_is_no_longer_asked_whether_it_shows_a_picture(
    line: Line, a_picture: bytes
) -> None:
    shown = keep_picture_of(line, a_picture)
    line.post(picture=shown)
    line.run()

    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    assert [key for key in line.content.list_keys("media/") if "/shown-by/" in key] == []
