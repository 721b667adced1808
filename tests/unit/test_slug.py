# ruff: noqa: RUF001 - names and headlines of other scripts
"""Slugs of articles, and names of the pages of topics and authors."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.model.article import Slug
from shared.model.slug import MAX_BYTES, MAX_CHARS, Script, is_slug, page_name, slug_of, words_of

SLUG = TypeAdapter(Slug)
SCRIPTS: tuple[Script, ...] = ("unicode", "ascii")
MANY_SCRIPTS = st.text(
    st.sampled_from("aZéß9 -.'’+#&éเน้ำกिदक्षा张伟章أحمدפْץΣσςЙй가ﾀ①ⅧＡ﷽\u200c\u200d\u00a0\u0301️❤İı😀"), max_size=120
)


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("Harbour bridge reopens", "harbour-bridge-reopens"),
        ("It\u2019s Modi's day: 10,000 at the fair", "its-modis-day-10000-at-the-fair"),
        ("Größe & Ärger", "größe-ärger"),
        ("Đà Nẵng, Łódź, Øre", "đà-nẵng-łódź-øre"),
        ("İstanbul’da Işık", "istanbulda-işık"),
        ("Привет, мир: новый йод", "привет-мир-новый-йод"),
        ("中国经济：增长", "中国经济-增长"),
        ("बूंद-बूंद से भरा सागर", "बूंद-बूंद-से-भरा-सागर"),
        ("السلام عليكم يا محـمد", "السلام-عليكم-يا-محمد"),
        ("می‌شود", "میشود"),
        ('צה"ל וחז״ל', "צהל-וחזל"),
        ("น้ำท่วมหนัก", "น้ำท่วมหนัก"),
        ("ΟΔΟΣ ΑΘΗΝΑΣ", "οδος-αθηνας"),
        ("한국 뉴스", "한국-뉴스"),
        ("ＮＨＫのﾆｭｰｽ", "nhkのニュース"),
        ("CO₂ up 1½ times", "co2-up-1-1-2-times"),
        ("❤️ day 1️⃣", "day-1"),
        ("😀🎉", "article"),
        ("../../x", "x"),
        ("&lt;script&gt;", "lt-script-gt"),
        ("Talks collapse after ten days of waiting while ministers argue about the future of the river", None),
    ],
)
def test_a_headline_becomes_an_address_in_its_own_script(headline: str, slug: str | None) -> None:
    expected = slug or "talks-collapse-after-ten-days-of-waiting-while-ministers-argue-about-the-future"
    assert slug_of(headline) == unicodedata.normalize("NFC", expected)


@pytest.mark.parametrize(
    ("headline", "slug"),
    [("Привет, мир", "privet-mir"), ("中国经济", "zhong-guo-jing-ji"), ("Größe 😀", "grosse"), ("٣ كتب", "3-ktb")],
)
def test_a_site_may_ask_for_ascii(headline: str, slug: str) -> None:
    assert slug_of(headline, script="ascii") == slug


@given(st.text(max_size=400) | MANY_SCRIPTS, st.sampled_from(SCRIPTS))
@example("Σ" * 3, "unicode")
@example("Ꭰꭰ", "unicode")
def test_every_headline_has_a_slug_that_an_address_can_hold(headline: str, script: Script) -> None:
    slug = slug_of(headline, script=script)

    assert SLUG.validate_python(slug) == slug
    assert len(slug) <= MAX_CHARS
    assert len(slug.encode()) <= MAX_BYTES
    assert script == "unicode" or slug.isascii()


@given(st.text(max_size=400) | MANY_SCRIPTS, st.sampled_from(["NFC", "NFD"]))
def test_the_form_and_case_of_letters_make_no_other_slug(headline: str, form: str) -> None:
    other = unicodedata.normalize(form, headline)  # type: ignore[arg-type]

    assert slug_of(other) == slug_of(headline)


def test_every_letter_and_mark_of_an_indic_headline_is_kept() -> None:
    headline = "क्षत्रिय विद्यार्थियों की पहली परीक्षा शुरू हुई"

    assert slug_of(headline).replace("-", "") == headline.replace(" ", "")


@pytest.mark.parametrize("letter", ["中", "क्षि", "ก้", "𞤀", "a"])
def test_a_long_word_is_cut_between_graphemes(letter: str) -> None:
    slug = slug_of(letter * 200)

    whole = regex.findall(r"\X", slug_of(letter))
    assert slug == slug_of(letter) * (len(regex.findall(r"\X", slug)) // len(whole))
    assert is_slug(slug)


# --- a sender's own ---


@pytest.mark.parametrize("slug", ["talks-in-geneva", "städte", "сводка-дня", "परीक्षा-2026", "新闻"])
def test_a_senders_slug_is_not_changed(slug: str) -> None:
    assert SLUG.validate_python(slug) == slug


def test_a_senders_slug_is_composed() -> None:
    assert SLUG.validate_python(unicodedata.normalize("NFD", "städte")) == "städte"


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "A",
        "Ä",
        "a b",
        "a--b",
        "-a",
        "a-",
        "a/b",
        "../x",
        "a_b",
        "a.b",
        "a\u200db",
        "\u0301a",
        "a%20b",
        "😀",
        "x" * 81,
    ],
)
def test_a_slug_that_no_address_can_hold_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError):
        SLUG.validate_python(slug)


# --- pages of topics and authors ---


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("Ann Lee", "ann-lee"),
        ("Zoë Müller", "zoe-muller"),
        ("Städte", "stadte"),
        ("Anne-Marie O’Brien", "anne-marie-obrien"),
        ("J. K. Marlow", "j-k-marlow"),
        ("张伟", "张伟"),
        ("रवि कुमार", "रवि-कुमार"),
    ],
)
def test_a_plain_name_is_its_pages_name(name: str, page: str) -> None:
    assert page_name(name) == page


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_that_differ_have_pages_that_differ(script: Script) -> None:
    names = (
        *("C", "C++", "C#", "C+", "F#", "F", ".NET", "NET", "R&D", "R D", "RD", "A/B", "A B", "😀", "🎉", "?", "!"),
        *(
            "张伟",
            "章威",
            "Zhang Wei",
            "रवि",
            "رवि",
            "Li Na",
            "李娜",
            "李 娜",
            "कि",
            "की",
            "क",
            "Й",
            "И",
            "ёлка",
            "елка",
        ),
    )

    pages = {page_name(name, script=script) for name in names}

    assert len(pages) == len(names)
    assert all(is_slug(page) for page in pages)


@given(st.lists(st.text("aAé1中å+#.-' &", max_size=4), max_size=40), st.sampled_from(SCRIPTS))
def test_names_share_a_page_only_if_they_read_the_same(names: list[str], script: Script) -> None:
    by_page: dict[str, set[str]] = {}
    for name in names:
        by_page.setdefault(page_name(name, script=script), set()).add(_as_read(name))

    assert all(len(readings) == 1 for readings in by_page.values()), by_page


def _as_read(name: str) -> str:
    """Return a name without case, accents, apostrophes, and with one space for hyphens and points."""
    bare = "".join(sign for sign in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(sign))
    return " ".join(bare.replace("'", "").replace("-", " ").replace(".", " ").split())


@given(st.lists(st.tuples(MANY_SCRIPTS, st.none() | st.sampled_from(["urn:1", "urn:2", "name"])), max_size=6))
def test_page_names_do_not_depend_on_the_order_of_arrival(people: list[tuple[str, str | None]]) -> None:
    page_name.cache_clear()
    first = {person: page_name(*person) for person in people}
    page_name.cache_clear()

    assert {person: page_name(*person) for person in reversed(people)} == first


@given(MANY_SCRIPTS, st.sampled_from(SCRIPTS))
def test_one_name_with_two_uris_has_two_pages_and_a_third_without(name: str, script: Script) -> None:
    pages = {page_name(name, uri, script=script) for uri in (None, "urn:one", "urn:two")}

    assert len(pages) == 3
    assert all(is_slug(page) for page in pages)


@given(MANY_SCRIPTS, st.none() | st.just("urn:one"))
def test_case_spaces_and_unicode_form_make_no_second_page(name: str, uri: str | None) -> None:
    others = (
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFC", name),
        f"  {name} ",
        name.casefold(),
    )

    assert {page_name(other, uri) for other in others} == {page_name(name, uri)}


def test_nobody_can_take_a_page_by_a_name_that_ends_as_a_digest_does() -> None:
    taken = page_name("C++")

    assert page_name(taken) != taken
    assert page_name(taken.replace("-", " ")) != taken


def test_long_names_that_begin_alike_have_a_page_each() -> None:
    names = ["Committee " * 20 + end for end in ("one", "two")]

    pages = [page_name(name) for name in names]

    assert pages[0] != pages[1]
    assert max(map(len, pages)) <= MAX_CHARS


def test_the_words_of_a_page_name_have_no_digest() -> None:
    assert [words_of(page_name(*each)) for each in (("Ravi Kumar", "urn:1"), ("Ann Lee", None))] == [
        "ravi kumar",
        "ann lee",
    ]


def test_the_names_of_pages_stay_as_they_are() -> None:
    """Pages are public under these names: another digest would move them all."""
    given_names = (("C++", None), ("Ravi Kumar", "urn:example:author:1"), ("张伟", None))
    found = [page_name(*each, script=script) for each, script in itertools.product(given_names, SCRIPTS)]

    assert found == [
        "c-2kqdzco6",
        "c-2kqdzco6",
        "ravi-kumar-4ne3kdo6",
        "ravi-kumar-4ne3kdo6",
        "张伟",
        "zhang-wei-33k4ppow",
    ]


@pytest.mark.parametrize(
    ("one", "other"), [("Øre", "Ore"), ("Þór", "Thor"), ("X²", "X2"), ("Ⅳ", "IV"), ("1,000", "1000")]
)
def test_letters_and_signs_of_their_own_make_pages_of_their_own(one: str, other: str) -> None:
    assert page_name(one) != page_name(other)
