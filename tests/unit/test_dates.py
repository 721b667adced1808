"""The publication date of an article, and times in a zone: pure functions, for any order of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import available_timezones

from hypothesis import given
from hypothesis import strategies as st

from infra.local.settings import PROJECT
from services.render.domain.updates import updated_at
from shared.model.addresses import addresses_of, published_at
from shared.model.article import Article, Status
from shared.model.revision import Revision, released, revision_id
from shared.site.sites import load_sites, local_time

SITE = load_sites(PROJECT / "infra" / "sites")["epn"]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DRAFTED = NOON - timedelta(days=3)


def a_revision(
    *,
    stamp: datetime | None = NOON,
    received_at: datetime = NOON,
    created: datetime | None = None,
    embargo: datetime | None = None,
    body: str = "",
) -> Revision:
    """Return a revision as the endpoint accepts it; without a stamp its name has the time of receipt."""
    values = {"site": "epn", "source": "desk", "source_id": "1", "headline": "Ferry", "section": "world"}
    times = {"version_created": stamp, "first_created": created, "embargo_until": embargo}
    return Revision(
        article_id="abcdefghijklmnopqrstuvwxyz",
        revision=revision_id(stamp or received_at, None),
        status=Status.USABLE,
        accepted_at=received_at,
        raw_sha256="0" * 64,
        raw_key="raw",
        article=Article.model_validate(values | times | {"body": body, "language": "en"}),
    )


def date_of(revision: Revision) -> datetime:
    return published_at(revision.article, revision.revision)


def test_an_article_is_dated_by_its_stamp_and_not_by_its_draft() -> None:
    assert date_of(a_revision(created=DRAFTED)) == NOON


def test_an_article_is_dated_by_the_end_of_its_embargo() -> None:
    due = NOON + timedelta(days=2)

    assert date_of(a_revision(stamp=DRAFTED, created=DRAFTED, embargo=due)) == due
    assert date_of(a_revision(stamp=None, created=DRAFTED, embargo=due)) == due


def test_an_embargo_that_ended_before_the_stamp_dates_nothing() -> None:
    assert date_of(a_revision(embargo=DRAFTED)) == NOON


def test_an_archive_item_without_a_stamp_is_dated_by_its_creation() -> None:
    created = datetime(1880, 3, 5, 3, 40, tzinfo=UTC)

    assert date_of(a_revision(stamp=None, created=created)) == created


def test_an_item_without_stamp_and_creation_is_dated_by_its_receipt() -> None:
    assert date_of(a_revision(stamp=None, received_at=NOON)) == NOON


instants = st.integers(-160, 100).map(lambda hours: NOON + timedelta(hours=hours))
revisions = st.lists(
    st.builds(
        a_revision,
        stamp=instants,
        received_at=instants,
        created=st.none() | instants,
        embargo=st.none() | instants,
        body=st.sampled_from(["<p>Forty on board.</p>", "<p>Fifty on board.</p>"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.revision,
)


@given(revisions, st.randoms(use_true_random=False), instants)
def test_dates_and_address_do_not_depend_on_the_order_in_which_revisions_come(
    every: list[Revision], disorder: Random, now: datetime
) -> None:
    shuffled = every.copy()
    disorder.shuffle(shuffled)

    out, again = released(every, now), released(shuffled, now)

    assert addresses_of(out, SITE) == addresses_of(again, SITE)
    assert updated_at(out) == updated_at(again)


@given(revisions, instants)
def test_no_date_is_before_the_end_of_an_embargo(every: list[Revision], now: datetime) -> None:
    out = released(every, now)
    for revision in out:
        assert date_of(revision) >= (revision.embargo_until or date_of(revision))
    changed_at = updated_at(out)
    if changed_at is not None:
        assert changed_at > date_of(out[0])
        assert changed_at in [max(date_of(each), each.embargo_until or date_of(each)) for each in out[1:]]


@given(revisions, instants)
def test_the_address_has_the_publication_date_in_the_sites_zone(every: list[Revision], now: datetime) -> None:
    out = released(every, now)
    found = addresses_of(out, SITE)

    assert (found is None) == (not out)
    if found is not None:
        assert f"/{local_time(date_of(out[0]), SITE.zone):%Y/%m/%d}/" in found.current


@given(
    st.integers(-(10**9) * 30, 10**9 * 2).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    st.sampled_from(sorted(available_timezones())),
)
def test_every_offset_has_whole_minutes_and_the_instant_stays(at: datetime, zone: str) -> None:
    local = local_time(at, zone)

    assert local.astimezone(UTC) == at  # an ambiguous local time equals no time of another zone
    assert datetime.fromisoformat(local.isoformat()) == at
    assert (local.utcoffset() or timedelta()) % timedelta(minutes=1) == timedelta()


def test_local_mean_time_is_rounded_to_whole_minutes() -> None:
    at = datetime(1880, 3, 5, 3, 40, tzinfo=UTC)

    assert local_time(at, "Asia/Kolkata").isoformat() == "1880-03-05T09:01:00+05:21"
    assert local_time(datetime(1943, 6, 1, 1, tzinfo=UTC), "Asia/Kolkata").isoformat() == "1943-06-01T07:30:00+06:30"
