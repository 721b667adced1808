"""An oracle that cannot say no proves nothing: each kind of fault is put into a site that is right, and found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from infra.local.settings import PROJECT
from tests.chaos.newsroom import Post, edition
from tests.chaos.oracle import (
    Fault,
    House,
    Right,
    Seen,
    Wrong,
    right_state,
    wrong_with_article,
    wrong_with_fronts,
    wrong_with_pictures,
)
from tests.chaos.run import Plan

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUSE = House.read(PROJECT / "infra" / "sites" / "epn.toml")
PLAN = Plan(seed=7, articles=50, is_short=True)
Site = dict[str, Seen]


def a_post(story: int = 1, number: int = 0, **fields: object) -> Post:
    stamp = NOON + timedelta(minutes=story, hours=number)
    post = Post(story, number, stamp, f"Story {story} take {number}", "world", f"story-{story}")
    return replace(post, **fields)  # type: ignore[arg-type]


def a_right(*posts: Post, is_killed: bool = False) -> Right:
    return right_state(f"article{posts[0].story:03d}", posts, HOUSE, is_killed=is_killed)


def a_page(right: Right) -> Seen:
    newest = right.newest
    head = f'<meta name="revision" content="{right.revision}"><h1>{newest.headline}</h1>'
    return Seen(200, body=f"{head}<p>{newest.mark}</p>")


def a_card(right: Right) -> str:
    return f'<article data-article="{right.article}"><a href="{right.url}">{right.newest.headline}</a></article>'


def a_front(rights: Iterable[Right]) -> Seen:
    return Seen(200, body="".join(map(a_card, rights)))


def a_site(rights: Sequence[Right]) -> Site:
    """Return a site that is right."""
    live = sorted((right for right in rights if right.is_live), key=lambda right: right.created, reverse=True)
    fronts = {
        front.url: a_front([right for right in live if front.section in (None, right.newest.section)][: front.limit])
        for front in HOUSE.fronts
    }
    pages = {right.url: a_page(right) if right.is_live else Seen(410) for right in rights}
    return fronts | pages


def faults(rights: Sequence[Right], site: Site, *, addresses: Iterable[str] = ()) -> set[Fault]:
    def look(url: str) -> Seen:
        return site.get(url, Seen(404))

    found: list[Wrong] = list(wrong_with_fronts(rights, HOUSE, look, "edge"))
    for right in rights:
        found += wrong_with_article(right, addresses, look, "edge")
    return {wrong.fault for wrong in found}


@pytest.fixture
def rights() -> list[Right]:
    return [a_right(a_post(story)) for story in range(1, 46)]  # more than any front shows


def test_a_site_that_is_right_is_found_right(rights: list[Right]) -> None:
    killed = a_right(a_post(60), a_post(60, 1, status="canceled"))
    everything = [*rights, killed]

    assert faults(everything, a_site(everything)) == set()


def test_the_newest_stamp_wins_whatever_came_last() -> None:
    right = a_right(a_post(1, 2), a_post(1, 0), a_post(1, 1))

    assert right.newest.number == 2
    assert right.created == a_post(1, 0).stamp


def test_the_address_is_that_of_the_latest_section_and_slug_on_the_first_day_in_the_sites_zone() -> None:
    late = a_post(1, 0, stamp=datetime(2026, 11, 1, 20, tzinfo=UTC))  # the next day in Kolkata
    moved = replace(late, number=1, stamp=late.stamp + timedelta(days=3), section="sport", slug=None)

    assert a_right(late, moved).url == "/sport/2026/11/02/story-1-articl/"
    assert a_right(moved).url == "/sport/2026/11/05/story-1-take-0-articl/"


def test_a_page_that_is_missing_is_lost(rights: list[Right]) -> None:
    site = a_site(rights)
    del site[rights[0].url]

    assert faults(rights, site) == {Fault.LOST}


@pytest.mark.parametrize("older", [{"headline": "Story 1 take 0"}, {"number": 0}, {"stamp": a_post(1, 0).stamp}])
def test_a_page_that_shows_an_older_headline_text_or_revision_is_stale(older: dict[str, object]) -> None:
    right = a_right(a_post(1, 0), a_post(1, 1))
    site = a_site([right])
    site[right.url] = a_page(replace(right, newest=replace(right.newest, **older)))  # type: ignore[arg-type]

    assert faults([right], site) == {Fault.STALE}


def test_a_killed_article_that_can_be_read_is_stale() -> None:
    right = a_right(a_post(), a_post(number=1, status="canceled"))
    site = a_site([right])
    site["/world/old/"] = Seen(200, body="still here")

    assert faults([right], site, addresses=["/world/old/"]) == {Fault.STALE}


def test_an_article_killed_by_a_call_is_killed_whatever_was_posted() -> None:
    right = a_right(a_post(), is_killed=True)

    assert faults([right], a_site([right]) | {right.url: a_page(right)}) == {Fault.STALE}


@pytest.mark.parametrize("there", [Seen(404), Seen(200), Seen(301, "/elsewhere/"), Seen(410)])
def test_an_old_address_that_does_not_lead_to_the_new_one_is_stale(there: Seen) -> None:
    right = a_right(a_post())

    assert faults([right], a_site([right]) | {"/old/": there}, addresses=["/old/"]) == {Fault.STALE}
    assert faults([right], a_site([right]) | {"/old/": Seen(301, right.url)}, addresses=["/old/"]) == set()


def test_an_article_that_a_front_shows_twice_is_found(rights: list[Right]) -> None:
    site = a_site(rights)
    site["/"] = replace(site["/"], body=a_card(rights[-1]) + site["/"].body)

    assert faults(rights, site) == {Fault.TWICE}


def test_an_article_that_is_listed_and_gone_is_found(rights: list[Right]) -> None:
    site = a_site(rights)
    killed = [*rights[:-1], a_right(a_post(30), a_post(30, 1, status="canceled"))]
    site |= {killed[-1].url: Seen(410)}

    assert Fault.GONE in faults(killed, site)


def test_an_article_that_no_front_shows_is_found(rights: list[Right]) -> None:
    site = a_site(rights)
    site["/_rail/latest.html"] = a_front(rights[-2:-9:-1])

    assert faults(rights, site) == {Fault.UNLISTED}


def test_a_front_that_shows_one_too_many_or_in_another_order_or_an_old_headline_is_stale(rights: list[Right]) -> None:
    newest = rights[::-1]
    old = replace(newest[0], newest=replace(newest[0].newest, headline="As it was"))
    for shown in (newest[:9], [newest[1], newest[0], *newest[2:8]], [old, *newest[1:8]]):
        site = a_site(rights) | {"/_rail/latest.html": a_front(shown)}

        assert faults(rights, site) == {Fault.STALE}


def test_a_front_may_group_its_older_stories_by_section(rights: list[Right]) -> None:
    newest_first = rights[:-41:-1]
    head, tail = a_front(newest_first[:10]), a_front(sorted(newest_first[10:], key=lambda right: right.url))
    grouped = Seen(200, body=f'{head.body}<section class="blocks">{tail.body}')

    assert faults(rights, a_site(rights) | {"/": grouped}) == set()
    assert faults(rights, a_site(rights) | {"/": head}) == {Fault.UNLISTED}


def test_an_embargoed_story_is_dated_by_its_release() -> None:
    post = a_post(1)
    due = post.stamp + timedelta(days=1)

    right = a_right(replace(post, embargo_until=due))

    assert right.created == due
    assert f"{due.astimezone(ZoneInfo(HOUSE.zone)):%Y/%m/%d}" in right.url


def test_a_front_that_is_not_there_is_lost(rights: list[Right]) -> None:
    site = a_site(rights)
    del site["/sport/"]

    assert faults(rights, site) == {Fault.LOST}


def test_a_picture_stays_while_a_live_article_shows_it_and_goes_with_the_last() -> None:
    live, killed = a_right(a_post(1, picture="one")), a_right(a_post(2, picture="two"), is_killed=True)
    shown, paths = {"one": {live.article}, "two": {killed.article}}, {"one": "/one.png", "two": "/two.png"}

    def found(one: int, two: int) -> list[Fault]:
        site = {"/one.png": Seen(one), "/two.png": Seen(two)}
        return [each.fault for each in wrong_with_pictures([live, killed], shown, paths, site.__getitem__, "edge")]

    assert found(200, 410) == []
    assert found(410, 410) == [Fault.LOST]
    assert found(200, 200) == [Fault.STALE]


def test_a_seed_stands_for_the_same_posts_and_blows() -> None:
    first, second = (edition(PLAN.rng("edition"), 50, start=NOON, seconds=60, pictures=["a"]) for _ in range(2))

    assert first.stories == second.stories
    assert sum(story[-1].status == "canceled" for story in first.stories) == 5
    assert {len(story) for story in first.stories} >= {1, 2, 3, 4, 5}
    assert PLAN.blows() == PLAN.blows()


def test_even_the_short_form_breaks_everything_once() -> None:
    done = {(blow.kind, blow.target) for blow in PLAN.blows()}

    assert {target for kind, target in done if kind == "kill"} == {
        *("endpoint", "ingest", "enrich", "render", "render-bulk", "publish", "publish-bulk"),
        *("scheduler", "edge", "s3", "redis"),
    }
    assert {kind for kind, _ in done} >= {"kill a child of", "stop", "flush"}
    assert done & {("stop", "s3"), ("hold down", "s3")}
