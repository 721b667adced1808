"""Listings that are behind in bulk travel by the handful; one that fails goes on alone and holds up no other."""

from __future__ import annotations

from typing import Any

import pytest

from services.publish.handler import fence
from services.publish.handler import listing as publishing
from services.render.handler import kinds
from services.render.handler import listing as rendering
from services.scheduler.handler import say_stale_pages
from shared import keys
from shared.errors import EdgeRefusedError, StorageUnavailableError
from shared.listings import find_article, listing_of
from shared.messages import Lane, ListingsRendered, ListingsStale, ListingStale, PageRendered
from tests.functional.conftest import Line


@pytest.fixture
def calendar(line: Line) -> Line:
    """A line whose whole calendar is behind, and nothing else."""
    for number in range(12):
        line.post(
            source_id=str(number), version_created=f"2026-10-{number + 1:02d}T08:00:00Z", topics=[{"name": "Ice"}]
        )
    line.tick()
    for name in line.index.published(line.site):
        if find_article(name) is None:
            line.index.touch(line.site, name)
    line.public.puts.clear()
    return line


def bundle_of(line: Line) -> ListingsStale:
    line.queue.clear()
    line.take(say_stale_pages(line.site, line.clockwork))
    bundles = [each for each in line.queue if isinstance(each, ListingsStale)]
    assert bundles
    return bundles[0]


def test_what_waits_in_bulk_goes_by_the_handful_and_the_rest_as_ever(calendar: Line) -> None:
    calendar.take(say_stale_pages(calendar.site, calendar.clockwork))

    singles = [each for each in calendar.queue if isinstance(each, ListingStale)]
    bundles = [each for each in calendar.queue if isinstance(each, ListingsStale)]
    assert {each.lane for each in singles} == {Lane.LIVE}
    assert {each.lane for each in bundles} == {Lane.BULK}
    assert sum(len(each.listings) for each in bundles) > 10 * len(bundles)
    assert not {each.listing for each in singles} & {name for each in bundles for name in each.listings}


def test_a_handful_is_published_as_each_of_them_would_be(calendar: Line) -> None:
    stale = bundle_of(calendar)

    (rendered,) = calendar.deliver(stale)
    assert isinstance(rendered, ListingsRendered)
    follows = calendar.deliver(rendered)

    assert [each.listing for each in rendered.pages] == list(stale.listings)
    assert not calendar.index.behind(calendar.site, stale.listings)
    assert follows == ()
    assert calendar.deliver(stale) == ()  # once more: they are not behind any more


def test_a_handful_is_told_to_the_edge_at_once_and_before_anything_says_so(
    calendar: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in list(calendar.public.list_keys("")):
        said = {**calendar.public.get(path).head.metadata, "sha256": "0" * 64}
        calendar.public.put(path, b"by another theme", content_type="text/html", metadata=said)
    (rendered,) = calendar.deliver(bundle_of(calendar))
    assert isinstance(rendered, ListingsRendered)
    calls: list[list[str]] = []
    purge, names = calendar.edge.purge, [page.listing or "" for page in rendered.pages]

    def told(surrogate_keys: Any, *, soft: bool = False) -> None:
        assert set(calendar.index.behind(calendar.site, names)) == set(names)
        calls.append(list(surrogate_keys))
        purge(surrogate_keys, soft=soft)

    monkeypatch.setattr(calendar.edge, "purge", told)
    calendar.deliver(rendered)

    assert len(calls) == 1
    assert {keys.path_surrogate_key(page.path) for page in rendered.pages} <= set(calls[0])


def test_a_handful_that_the_edge_refuses_goes_alone_but_for_what_it_need_not_hear_of(
    calendar: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rendered,) = calendar.deliver(bundle_of(calendar))
    assert isinstance(rendered, ListingsRendered)
    first, *others = rendered.pages
    calendar.public.put(first.path, b"by another theme", content_type="text/html")

    def refuse(*_: Any, **__: Any) -> None:
        raise EdgeRefusedError

    monkeypatch.setattr(calendar.edge, "purge", refuse)
    follows = calendar.deliver(rendered)

    assert [each for each in follows if isinstance(each, PageRendered)] == [first]
    assert set(calendar.index.behind(calendar.site, [each.listing or "" for each in others])) == set()


def test_a_listing_that_cannot_be_rendered_goes_alone(calendar: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = bundle_of(calendar)
    odd = next(name for name in stale.listings if name.startswith("day."))

    def body_of(copy: Any) -> bytes:
        if copy.listing.name == odd:
            raise ZeroDivisionError
        return kinds.body_of(copy)

    monkeypatch.setattr(rendering, "body_of", body_of)
    rendered, alone = calendar.deliver(stale)

    assert isinstance(alone, ListingStale)
    assert (alone.listing, alone.changed, alone.lane) == (odd, stale.listings[odd], Lane.BULK)
    assert isinstance(rendered, ListingsRendered)
    assert {each.listing for each in rendered.pages} == {*stale.listings} - {odd}


def test_a_listing_that_cannot_be_put_goes_alone(calendar: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    (rendered,) = calendar.deliver(bundle_of(calendar))
    assert isinstance(rendered, ListingsRendered)
    odd = rendered.pages[1]

    def put_page(page: Any, *args: Any, **more: Any) -> Any:
        if page.path == odd.path:
            raise ZeroDivisionError
        return fence.put_page(page, *args, **more)

    monkeypatch.setattr(publishing, "put_page", put_page)
    (alone,) = calendar.deliver(rendered)

    assert alone == odd
    others = {each.listing for each in rendered.pages if each is not odd}
    assert calendar.index.behind(calendar.site, [name for name in others if name]) == {}
    assert listing_of(calendar.site, odd.listing or "").path not in calendar.public.puts


def test_an_outage_sends_none_of_them_alone(calendar: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = bundle_of(calendar)

    def body_of(_: Any) -> bytes:
        raise StorageUnavailableError(stale.site)

    monkeypatch.setattr(rendering, "body_of", body_of)
    with pytest.raises(StorageUnavailableError):
        calendar.deliver(stale)


def test_many_large_pages_are_more_than_one_message(calendar: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = bundle_of(calendar)
    monkeypatch.setattr(rendering, "_MOST_TOGETHER", 8_000)

    bundles = calendar.deliver(stale)

    assert len(bundles) > 1
    assert len({each.message_id for each in bundles}) == len(bundles)
    pages = [page for each in bundles if isinstance(each, ListingsRendered) for page in each.pages]
    assert [page.listing for page in pages] == list(stale.listings)
    assert all(isinstance(page, PageRendered) for page in pages)
