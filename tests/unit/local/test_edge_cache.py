"""The rules of the local edge that need no server."""

from __future__ import annotations

import time

import pytest

from infra.local.edge.app import object_path
from infra.local.edge.cache import Ages, Cache, Entry, ages_of
from infra.local.edge.esi import Include, parts_of


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(limit_bytes=100_000, clock=clock)


def keep(cache: Cache, path: str, *, size: int = 10, keys: str = "k", ages: Ages | None = None) -> bool:
    with cache.fetch() as fetch:
        entry = Entry(200, body=b"x" * size, keys=frozenset(keys.split()), ages=ages or Ages(60))
        return cache.store(path, entry, fetch)


@pytest.mark.parametrize(
    ("cache_control", "ages"),
    [
        ("max-age=30", Ages(30)),
        ("max-age=30, s-maxage=600", Ages(600)),
        ("S-MaxAge=600, Max-Age=30", Ages(600)),
        ("s-maxage=10, stale-while-revalidate=20", Ages(10, 20)),
        ("s-maxage=10, no-store", Ages()),
        ("private, max-age=10", Ages()),
        ("", Ages()),
        ("max-age=later", Ages()),
    ],
)
def test_a_shared_cache_reads_cache_control(cache_control: str, ages: Ages) -> None:
    assert ages_of(cache_control) == ages


def test_the_least_recently_asked_for_goes_when_room_is_short(cache: Cache) -> None:
    for number in range(4):
        keep(cache, f"p{number}", size=20_000)
    cache.find("p0")

    keep(cache, "p4", size=20_000)

    assert cache.find("p1") is None
    assert cache.find("p0") is not None
    assert cache.size_bytes <= 100_000


def test_nothing_remains_of_what_went(cache: Cache) -> None:
    for number in range(1_000):
        keep(cache, f"p{number}", keys=f"path:{number} k")

    cache.purge(["k"])

    assert (len(cache), cache.size_bytes) == (0, 0)
    assert cache.purge([f"path:{number}" for number in range(1_000)]) == 0


def test_one_object_may_not_push_out_all_others(cache: Cache) -> None:
    assert not keep(cache, "film", size=50_000)


def test_an_entry_ages(cache: Cache, clock: Clock) -> None:
    keep(cache, "p", ages=Ages(10, 5))
    entry = cache.find("p")
    assert entry is not None

    seen = []
    for clock.now in (1_009.0, 1_011.0, 1_016.0):
        seen.append((cache.is_fresh(entry), cache.may_show_while_fetching(entry)))

    assert seen == [(True, True), (False, True), (False, False)]


def test_a_fetch_that_began_earlier_does_not_replace_one_that_began_later(cache: Cache) -> None:
    with cache.fetch() as early:
        cache.purge(["unrelated"])
        with cache.fetch() as late:
            cache.store("p", Entry(200, body=b"new", ages=Ages(60)), late)
        cache.store("p", Entry(200, body=b"old", ages=Ages(60)), early)

    entry = cache.find("p")
    assert entry is not None
    assert entry.body == b"new"


@pytest.mark.parametrize(
    ("url_path", "key"),
    [
        ("/", "index.html"),
        ("/world/", "world/index.html"),
        ("/feed.xml", "feed.xml"),
        ("/%2e%2e/x", "%2e%2e/x"),  # decoded once already: a name like any other
        ("/..", None),
        ("/a/../b", None),
        ("/./a", None),
        ("//a", None),
        ("/a//", None),
        ("/a\\..\\b", None),
        ("/a\nb", None),
        ("*", None),
        ("/" + "a" * 2_000, None),
    ],
)
def test_a_url_path_means_one_key_or_none(url_path: str, key: str | None) -> None:
    assert object_path(url_path) == key


def test_a_page_is_taken_apart_in_order() -> None:
    body = (
        b'a<esi:include src=\'/one\'/>b<!--esi <esi:include src="/two?x=1" alt="/no"/>-->c<esi:remove>no</esi:remove>d'
    )

    assert parts_of(body) == [b"a", Include("/one"), b"b ", Include("/two"), b"cd"]


@pytest.mark.parametrize("tag", [b"<esi:remove>", b"<!--esi", b"<esi:include ", b'<esi:include src="/a"/>'])
def test_hostile_markup_takes_linear_time(tag: bytes) -> None:
    started = time.monotonic()

    parts_of(tag * 100_000)

    assert time.monotonic() - started < 5  # quadratic: minutes
