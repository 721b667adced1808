"""Names for addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.article import Slug
from shared.slug import slug_of

SLUG = TypeAdapter(Slug)


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("Harbour bridge reopens", "harbour-bridge-reopens"),
        ("It\u2019s Modi's day: 10,000 at the fair", "its-modis-day-10000-at-the-fair"),
        ("Größe & Ärger", "grosse-arger"),
        ("Привет, мир", "privet-mir"),
        ("中国经济", "zhong-guo-jing-ji"),
        ("😀🎉", "article"),
        ("../../x", "x"),
        ("&lt;script&gt;", "lt-script-gt"),
        ("Talks collapse after ten days of waiting while ministers argue about the future of the river", None),
    ],
)
def test_a_headline_becomes_an_address(headline: str, slug: str | None) -> None:
    expected = slug or "talks-collapse-after-ten-days-of-waiting-while-ministers-argue-about-the-future"
    assert slug_of(headline) == expected


@given(st.text(max_size=400))
def test_every_headline_has_a_slug_that_an_address_can_hold(headline: str) -> None:
    assert SLUG.validate_python(slug_of(headline)) == slug_of(headline)


@given(st.text(alphabet=st.characters(min_codepoint=0x370), max_size=400))
def test_so_has_every_headline_in_another_script(headline: str) -> None:
    SLUG.validate_python(slug_of(headline))
