"""Current and former addresses: a function of the released revisions, in any order of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from infra.local.settings import PROJECT
from shared.model.addresses import addresses_of, picture_files
from shared.model.article import Article, Status
from shared.model.revision import Revision, revision_id
from shared.site.sites import load_sites

SITE = load_sites(PROJECT / "infra" / "sites")["epn"]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ARTICLE = "abcdefghijklmnopqrstuvwxyz"


def a_revision(number: int, **facts: object) -> Revision:
    stamp = NOON + timedelta(hours=9 * number)  # the third is on another day
    values = {"site": "epn", "source": "desk", "source_id": "1", "headline": "Ferry", "section": "world", "body": ""}
    article = Article.model_validate(values | {"language": "en"} | facts)
    return Revision(
        article_id=ARTICLE,
        revision=revision_id(stamp, None),
        status=article.status,
        accepted_at=NOON,
        raw_sha256="0" * 64,
        raw_key="raw",
        article=article,
    )


revisions = st.lists(
    st.fixed_dictionaries(
        {
            "headline": st.sampled_from(["Ferry", "Ferry returns", "Pier"]),
            "section": st.sampled_from(["world", "news"]),
            "slug": st.sampled_from([None, "own", "other"]),
            "status": st.sampled_from([Status.USABLE, Status.USABLE, Status.WITHHELD]),
        }
    ),
    min_size=1,
    max_size=7,
).map(lambda each: [a_revision(number, **facts) for number, facts in enumerate(each)])


@given(revisions, st.data())
def test_the_address_of_any_subset_of_revisions_is_an_address_of_all_of_them(
    every: list[Revision], data: st.DataObject
) -> None:
    some = sorted(
        data.draw(st.lists(st.sampled_from(every), unique_by=lambda each: each.revision)),
        key=lambda each: each.revision,
    )

    of_some, of_all = addresses_of(some, SITE), addresses_of(every, SITE)

    assert of_some is None or (of_all is not None and set(of_some.all) <= set(of_all.all))


def test_revisions_in_order_under_one_headline_have_one_address() -> None:
    found = addresses_of([a_revision(0), a_revision(0, body="<p>Mended.</p>")], SITE)

    assert found is not None
    assert (found.current, found.former) == ("world/2026/11/01/ferry-abcdef/index.html", ())


def test_a_corrected_headline_does_not_move_the_page() -> None:
    found = addresses_of([a_revision(0, first_created=NOON), a_revision(1, first_created=NOON, headline="Pier")], SITE)

    assert found is not None
    assert found.current == "world/2026/11/01/ferry-abcdef/index.html"
    assert found.former == ("world/2026/11/01/pier-abcdef/index.html",)  # if the first revision had come second


def test_a_section_that_was_left_is_a_former_address() -> None:
    found = addresses_of([a_revision(0), a_revision(0, section="news")], SITE)

    assert found is not None
    assert found.former == ("world/2026/11/01/ferry-abcdef/index.html",)


def test_an_article_without_a_usable_revision_has_no_address() -> None:
    assert addresses_of([a_revision(0, status=Status.CANCELED)], SITE) is None
    assert addresses_of([], SITE) is None


def test_the_number_of_former_addresses_is_bounded() -> None:
    found = addresses_of([a_revision(number, headline=f"Minute {number}") for number in range(200)], SITE)

    assert found is not None
    assert len(found.former) == 50


def test_addresses_of_an_arrival_in_order_come_before_possible_ones() -> None:
    moves = [a_revision(number, headline=f"Minute {number}", slug=f"slug-{number}") for number in range(60)]
    found = addresses_of(moves, SITE)

    assert found is not None
    assert found.former[:2] == (
        "world/2026/11/01/slug-0-abcdef/index.html",
        "world/2026/11/01/slug-1-abcdef/index.html",
    )


def test_pictures_of_every_revision_count_and_a_removal_has_none() -> None:
    shown = {"media": "a" * 64, "width": 8, "height": 6, "content_type": "image/png"}
    with_picture = a_revision(0, picture=shown)
    kill = a_revision(1, picture=shown | {"media": "b" * 64}, status=Status.CANCELED)

    assert [file.path for file in picture_files([with_picture, kill], SITE)] == [f"media/{'a' * 64}/8.png"]
