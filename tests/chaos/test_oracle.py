"""The oracle finds each kind of defect in a site that is otherwise correct."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from infra.local.settings import PROJECT
from tests.chaos.newsroom import Post, edition
from tests.chaos.oracle import (
    Defect,
    DefectKind,
    Expectation,
    Fetched,
    SiteRules,
    article_defects,
    expectation_of,
    front_defects,
    picture_defects,
)
from tests.chaos.run import Plan

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
RULES = SiteRules.read(PROJECT / "infra" / "sites" / "epn.toml")
PLAN = Plan(seed=7, articles=50, is_short=True)
Site = dict[str, Fetched]


def a_post(story: int = 1, number: int = 0, **fields: object) -> Post:
    stamp = NOON + timedelta(minutes=story, hours=number)
    post = Post(story, number, stamp, f"Story {story} take {number}", "world", f"story-{story}")
    return replace(post, **fields)  # type: ignore[arg-type]


def an_expectation(*posts: Post, is_killed: bool = False) -> Expectation:
    return expectation_of(f"article{posts[0].story:03d}", posts, RULES, is_killed=is_killed)


def a_page(expectation: Expectation) -> Fetched:
    newest = expectation.newest
    head = f'<meta name="revision" content="{expectation.revision}"><h1>{newest.headline}</h1>'
    return Fetched(200, body=f"{head}<p>{newest.mark}</p>")


def a_card(expectation: Expectation) -> str:
    link = f'<a href="{expectation.url}">{expectation.newest.headline}</a>'
    return f'<article data-article="{expectation.article}">{link}</article>'


def a_front(expectations: Iterable[Expectation]) -> Fetched:
    return Fetched(200, body="".join(map(a_card, expectations)))


def a_site(expectations: Sequence[Expectation]) -> Site:
    """Return a correct site."""
    live = sorted(
        (expectation for expectation in expectations if expectation.is_live),
        key=lambda expectation: expectation.created,
        reverse=True,
    )
    fronts = {
        front.url: a_front(
            [expectation for expectation in live if front.section in (None, expectation.newest.section)][: front.limit]
        )
        for front in RULES.fronts
    }
    pages = {
        expectation.url: a_page(expectation) if expectation.is_live else Fetched(410) for expectation in expectations
    }
    return fronts | pages


def defect_kinds(expectations: Sequence[Expectation], site: Site, *, addresses: Iterable[str] = ()) -> set[DefectKind]:
    def fetch(url: str) -> Fetched:
        return site.get(url, Fetched(404))

    found: list[Defect] = list(front_defects(expectations, RULES, fetch, "edge"))
    for expectation in expectations:
        found += article_defects(expectation, addresses, fetch, "edge")
    return {defect.kind for defect in found}


@pytest.fixture
def expectations() -> list[Expectation]:
    return [an_expectation(a_post(story)) for story in range(1, 46)]  # more than any front shows


def test_a_correct_site_has_no_defects(expectations: list[Expectation]) -> None:
    killed = an_expectation(a_post(60), a_post(60, 1, status="canceled"))
    everything = [*expectations, killed]

    assert defect_kinds(everything, a_site(everything)) == set()


def test_the_newest_stamp_wins_in_any_order_of_arrival() -> None:
    expectation = an_expectation(a_post(1, 2), a_post(1, 0), a_post(1, 1))

    assert expectation.newest.number == 2
    assert expectation.created == a_post(1, 0).stamp


def test_the_address_is_that_of_the_latest_section_and_slug_on_the_first_day_in_the_sites_zone() -> None:
    late = a_post(1, 0, stamp=datetime(2026, 11, 1, 20, tzinfo=UTC))  # the next day in Kolkata
    moved = replace(late, number=1, stamp=late.stamp + timedelta(days=3), section="sport", slug=None)

    assert an_expectation(late, moved).url == "/sport/2026/11/02/story-1-articl/"
    assert an_expectation(moved).url == "/sport/2026/11/05/story-1-take-0-articl/"


def test_a_missing_page_is_lost(expectations: list[Expectation]) -> None:
    site = a_site(expectations)
    del site[expectations[0].url]

    assert defect_kinds(expectations, site) == {DefectKind.LOST}


@pytest.mark.parametrize("older", [{"headline": "Story 1 take 0"}, {"number": 0}, {"stamp": a_post(1, 0).stamp}])
def test_a_page_that_shows_an_older_headline_text_or_revision_is_stale(older: dict[str, object]) -> None:
    expectation = an_expectation(a_post(1, 0), a_post(1, 1))
    site = a_site([expectation])
    site[expectation.url] = a_page(replace(expectation, newest=replace(expectation.newest, **older)))  # type: ignore[arg-type]

    assert defect_kinds([expectation], site) == {DefectKind.STALE}


def test_a_killed_article_that_can_be_read_is_stale() -> None:
    expectation = an_expectation(a_post(), a_post(number=1, status="canceled"))
    site = a_site([expectation])
    site["/world/old/"] = Fetched(200, body="still here")

    assert defect_kinds([expectation], site, addresses=["/world/old/"]) == {DefectKind.STALE}


def test_an_article_killed_by_a_call_is_killed_after_any_post() -> None:
    expectation = an_expectation(a_post(), is_killed=True)

    assert defect_kinds([expectation], a_site([expectation]) | {expectation.url: a_page(expectation)}) == {
        DefectKind.STALE
    }


@pytest.mark.parametrize("there", [Fetched(404), Fetched(200), Fetched(301, "/elsewhere/"), Fetched(410)])
def test_an_old_address_that_does_not_redirect_to_the_new_one_is_stale(there: Fetched) -> None:
    expectation = an_expectation(a_post())

    assert defect_kinds([expectation], a_site([expectation]) | {"/old/": there}, addresses=["/old/"]) == {
        DefectKind.STALE
    }
    assert (
        defect_kinds(
            [expectation], a_site([expectation]) | {"/old/": Fetched(301, expectation.url)}, addresses=["/old/"]
        )
        == set()
    )


def test_an_article_that_a_front_shows_twice_is_found(expectations: list[Expectation]) -> None:
    site = a_site(expectations)
    site["/"] = replace(site["/"], body=a_card(expectations[-1]) + site["/"].body)

    assert defect_kinds(expectations, site) == {DefectKind.TWICE}


def test_an_article_that_is_listed_and_removed_is_found(expectations: list[Expectation]) -> None:
    site = a_site(expectations)
    killed = [*expectations[:-1], an_expectation(a_post(30), a_post(30, 1, status="canceled"))]
    site |= {killed[-1].url: Fetched(410)}

    assert DefectKind.REMOVED in defect_kinds(killed, site)


def test_an_article_that_no_front_shows_is_found(expectations: list[Expectation]) -> None:
    site = a_site(expectations)
    site["/_rail/latest.html"] = a_front(expectations[-2:-9:-1])

    assert defect_kinds(expectations, site) == {DefectKind.UNLISTED}


def test_a_front_that_shows_one_too_many_or_in_another_order_or_an_old_headline_is_stale(
    expectations: list[Expectation],
) -> None:
    newest = expectations[::-1]
    old = replace(newest[0], newest=replace(newest[0].newest, headline="As it was"))
    for shown in (newest[:9], [newest[1], newest[0], *newest[2:8]], [old, *newest[1:8]]):
        site = a_site(expectations) | {"/_rail/latest.html": a_front(shown)}

        assert defect_kinds(expectations, site) == {DefectKind.STALE}


def test_a_front_may_group_its_older_stories_by_section(expectations: list[Expectation]) -> None:
    newest_first = expectations[:-41:-1]
    head, tail = a_front(newest_first[:10]), a_front(sorted(newest_first[10:], key=lambda expectation: expectation.url))
    grouped = Fetched(200, body=f'{head.body}<section class="blocks">{tail.body}')

    assert defect_kinds(expectations, a_site(expectations) | {"/": grouped}) == set()
    assert defect_kinds(expectations, a_site(expectations) | {"/": head}) == {DefectKind.UNLISTED}


def test_an_embargoed_story_is_dated_by_its_release() -> None:
    post = a_post(1)
    due = post.stamp + timedelta(days=1)

    expectation = an_expectation(replace(post, embargo_until=due))

    assert expectation.created == due
    assert f"{due.astimezone(ZoneInfo(RULES.zone)):%Y/%m/%d}" in expectation.url


def test_a_missing_front_is_lost(expectations: list[Expectation]) -> None:
    site = a_site(expectations)
    del site["/sport/"]

    assert defect_kinds(expectations, site) == {DefectKind.LOST}


def test_a_picture_is_public_while_a_live_article_shows_it_and_removed_with_the_last() -> None:
    live, killed = an_expectation(a_post(1, picture="one")), an_expectation(a_post(2, picture="two"), is_killed=True)
    shown, paths = {"one": {live.article}, "two": {killed.article}}, {"one": "/one.png", "two": "/two.png"}

    def found(one: int, two: int) -> list[DefectKind]:
        site = {"/one.png": Fetched(one), "/two.png": Fetched(two)}
        return [each.kind for each in picture_defects([live, killed], shown, paths, site.__getitem__, "edge")]

    assert found(200, 410) == []
    assert found(410, 410) == [DefectKind.LOST]
    assert found(200, 200) == [DefectKind.STALE]


def test_a_seed_gives_the_same_posts_and_faults() -> None:
    first, second = (edition(PLAN.rng("edition"), 50, start=NOON, seconds=60, pictures=["a"]) for _ in range(2))

    assert first.stories == second.stories
    assert sum(story[-1].status == "canceled" for story in first.stories) == 5
    assert {len(story) for story in first.stories} >= {1, 2, 3, 4, 5}
    assert PLAN.faults() == PLAN.faults()


def test_the_short_form_contains_every_kind_of_fault() -> None:
    done = {(fault.kind, fault.target) for fault in PLAN.faults()}

    assert {target for kind, target in done if kind == "kill"} == {
        *("endpoint", "ingest", "enrich", "render", "render-bulk", "publish", "publish-bulk"),
        *("scheduler", "relay", "edge", "s3", "redis"),
    }
    assert {kind for kind, _ in done} >= {"kill a child of", "stop", "flush"}
    assert done & {("stop", "s3"), ("hold down", "s3")}
