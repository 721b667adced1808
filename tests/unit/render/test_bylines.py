# ruff: noqa: RUF001 - names of other scripts
"""Bylines: whole names link to their pages, roles follow names, and the JSON-LD has one entry per person."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.render.domain.jsonld import article_json_ld
from services.render.domain.machine_readable.feeds import atom, json_feed, rss
from services.render.domain.open_graph import article_share_tags
from services.render.domain.people import people_in
from services.render.domain.view.byline import byline_of
from shared.model.article import ArticleFacts
from shared.site.keys import url_path
from shared.site.listings import listing_of
from shared.site.memberships import authors_of
from shared.site.sites import Site
from tests.unit.render.conftest import CREATED, MakeArticle, MakeCard, MakeView


def facts(byline: str | None, *authors: str | dict[str, str], language: str = "en") -> ArticleFacts:
    people = [{"name": each} if isinstance(each, str) else each for each in authors]
    values = {"site": "epn", "source": "desk", "source_id": "1", "headline": "H", "section": "world"}
    return ArticleFacts.model_validate(values | {"language": language, "byline": byline, "authors": people})


def shown(site: Site, facts: ArticleFacts) -> str:
    return "".join(part.text for part in byline_of(site, facts))


def linked(site: Site, facts: ArticleFacts) -> list[str]:
    return [part.text for part in byline_of(site, facts) if part.url]


# --- whole names ---


@pytest.mark.parametrize(
    ("byline", "authors", "expected"),
    [
        ("Ida Mor and Ida Morris", ["Ida Mor", "Ida Morris"], ["Ida Mor", "Ida Morris"]),
        ("Ida Morris and Ida Mor", ["Ida Mor", "Ida Morris"], ["Ida Morris", "Ida Mor"]),
        ("Ida Mor-Jansen", ["Ida Mor"], []),
        ("Ida Mor-Jansen with Ida Mor", ["Ida Mor", "Ida Mor-Jansen"], ["Ida Mor-Jansen", "Ida Mor"]),
        ("Ida O'Mor", ["Mor"], []),
        ("Ida Mor’s diary", ["Ida Mor"], ["Ida Mor"]),
        ("Vida Mor", ["Ida Mor"], []),
        ("BY IDA MOR", ["Ida Mor"], ["IDA MOR"]),
        ("Pat O’Dell", ["Pat O'Dell"], ["Pat O’Dell"]),
        ("Von Uwe Groß", ["Uwe Gross"], ["Uwe Groß"]),
        ("Tavi in Velmora, Osk in Stell", ["Osk", "Tavi"], ["Tavi", "Osk"]),
        ("张伟明", ["张伟"], []),
        ("张伟和李娜", ["李娜", "张伟"], ["张伟", "李娜"]),
        ("田中和子", ["田中"], []),
        ("本报记者张伟报道", ["张伟"], ["张伟"]),
        ("بقلم سلمى حداد وكريم ناصر", ["كريم ناصر", "سلمى حداد"], ["سلمى حداد", "كريم ناصر"]),
        ("दीपक वर्मा", ["दीपक वर्म"], []),
        ("EPN Desk", ["Ida Mor"], []),
    ],
)
def test_whole_names_are_linked_in_any_order(site: Site, byline: str, authors: list[str], expected: list[str]) -> None:
    given_facts = facts(byline, *authors)

    assert linked(site, given_facts) == expected
    assert shown(site, given_facts) == byline


def test_a_no_break_space_does_not_change_a_name(site: Site) -> None:
    given_facts = facts("-", "Ida Mor").model_copy(update={"byline": "By Ida\u00a0Mor"})

    assert linked(site, given_facts) == ["Ida\u00a0Mor"]


def test_each_name_links_to_its_own_page(site: Site) -> None:
    given_facts = facts("Ida Morris and Ida Mor", "Ida Mor", "Ida Morris")

    assert [(part.text, part.url) for part in byline_of(site, given_facts) if part.url] == [
        ("Ida Morris", "/authors/ida-morris/"),
        ("Ida Mor", "/authors/ida-mor/"),
    ]


def test_composed_and_decomposed_letters_are_the_same_name(site: Site) -> None:
    apart = unicodedata.normalize("NFD", "Zoë Kühn")

    for byline, author in ((apart, "Zoë Kühn"), ("Zoë Kühn", apart), (apart, apart)):
        (part,) = byline_of(site, facts(byline, author))
        assert (part.text, part.url) == ("Zoë Kühn", "/authors/zoe-kuhn/")


def test_two_people_of_one_name_are_linked_one_after_the_other(site: Site) -> None:
    people = ({"name": "Ravi Rao", "uri": "urn:1"}, {"name": "Ravi Rao", "uri": "urn:2"})
    given_facts = facts("Ravi Rao and Ravi Rao", *people)

    urls = [part.url for part in byline_of(site, given_facts) if part.url]

    assert urls == [url_path(each.path) for each in authors_of(site, given_facts)]
    assert len(set(urls)) == 2


@given(st.lists(st.sampled_from(["Ann", "Ann Lee", "Ann Lee Mor", "Lee", "Lee Mor", "Mor"]), unique=True), st.data())
def test_no_byline_loses_or_gains_a_letter(authors: list[str], data: st.DataObject) -> None:
    site = Site.model_validate(
        {"id": "epn", "name": "EPN", "tagline": "T", "base_url": "https://epn.example", "zone": "UTC", "theme": "epn"}
        | {"language": "en", "default_section": "world", "sections": [{"id": "world", "name": "World"}]}
    )
    byline = data.draw(st.permutations(authors).map(" and ".join)) or None

    given_facts = facts(byline, *authors)

    assert shown(site, given_facts) == (byline or "")
    assert sorted(linked(site, given_facts)) == sorted(authors)


# --- roles ---


def test_roles_follow_the_names(site: Site) -> None:
    given_facts = facts(None, {"name": "Ida Mor", "role": "Words"}, {"name": "Joss Vane", "role": "Photographs"})

    assert shown(site, given_facts) == "Ida Mor (Words) and Joss Vane (Photographs)"
    assert linked(site, given_facts) == ["Ida Mor", "Joss Vane"]


def test_a_role_in_the_byline_is_not_repeated(site: Site) -> None:
    people = ({"name": "Ida Mor", "role": "words"}, {"name": "Joss Vane", "role": "Photographs"})

    assert shown(site, facts("Words: Ida Mor, photographs: Joss Vane", *people)) == (
        "Words: Ida Mor, photographs: Joss Vane"
    )
    assert shown(site, facts("Ida Mor (Text)", people[0])) == "Ida Mor (Text)"


def test_an_author_with_a_role_who_is_not_in_the_byline_follows_it(site: Site) -> None:
    given_facts = facts("By Ida Mor", "Ida Mor", {"name": "Joss Vane", "role": "Photographs"})

    assert shown(site, given_facts) == "By Ida Mor · Joss Vane (Photographs)"


def test_one_person_with_two_roles_is_named_once(site: Site) -> None:
    given_facts = facts(None, {"name": "Ida Mor", "role": "Text"}, {"name": "IDA MOR", "role": "Photos"})

    assert shown(site, given_facts) == "Ida Mor (Text, Photos)"


def people_of_page(site: Site, article: Any) -> dict[str, Any]:
    people = article_json_ld(
        article, site=site, url="u", canonical_url="u", created_at=CREATED, updated_at=None, picture=None
    )
    return dict(json.loads(people[0]))


@pytest.mark.parametrize(
    "role", ["Photographs", "photographer", "Fotos", "Illustrationen", "摄影", "تصوير", "Video editing"]
)
def test_a_photographer_is_a_contributor_and_not_an_author(
    site: Site, make_article: MakeArticle, make_card: MakeCard, role: str
) -> None:
    article = make_article(authors=[{"name": "Ida Mor", "role": "Words"}, {"name": "Joss Vane", "role": role}])

    found = people_of_page(site, article)
    tags = article_share_tags(article, site=site, url="u", created_at=CREATED, updated_at=None, picture=None)

    assert [each["name"] for each in found["author"]] == ["Ida Mor"]
    assert found["contributor"] == [
        {"@type": "Person", "name": "Joss Vane", "url": "https://epn.example/authors/joss-vane/"}
    ]
    assert [value for name, value in tags if name == "article:author"] == ["https://epn.example/authors/ida-mor/"]


def test_the_photographer_is_the_author_of_a_picture_story(site: Site, make_article: MakeArticle) -> None:
    found = people_of_page(site, make_article(authors=[{"name": "Joss Vane", "role": "Photographs"}]))

    assert [each["name"] for each in found["author"]] == ["Joss Vane"]
    assert "contributor" not in found


def test_feeds_name_the_photographer_as_a_contributor(site: Site, make_card: MakeCard) -> None:
    card = make_card(authors=("Ida Mor", "Joss Vane"), contributors=("Joss Vane",))

    people = atom(site, listing_of(site, "feed.atom"), (card,), {}).decode()

    assert re.search(r"<author>\s*<name>Ida Mor</name>\s*</author>\s*<contributor>\s*<name>Joss Vane</name>", people)
    assert "Joss Vane" not in rss(site, listing_of(site, "feed.rss"), (card,), {}).decode()


# --- people that only a byline names ---


@pytest.mark.parametrize(
    ("language", "byline", "names"),
    [
        ("en", "By Mara Lind and Tomas Oka", ["Mara Lind", "Tomas Oka"]),
        ("en", "BY MARA LIND AND TOMAS OKA", ["MARA LIND", "TOMAS OKA"]),
        ("en", "A. B. Carver, Li Na and J.K. Marlow", ["A. B. Carver", "Li Na", "J.K. Marlow"]),
        ("en", "Mara Lind & Tomas Oka", ["Mara Lind", "Tomas Oka"]),
        ("en", "Mara Lind in Velmora and Tomas Oka in Stell", ["Mara Lind", "Tomas Oka"]),
        ("en", "Mara Lind, Foreign Editor", ["Mara Lind"]),
        ("en", "Tomas Oka, Jr.", ["Tomas Oka Jr"]),
        ("de", "Von Mara von der Linde und Tomas Oka", ["Mara von der Linde", "Tomas Oka"]),
        ("fr", "Par Mara d’Arne, Luc Oka et Zoé Blanc", ["Mara d’Arne", "Luc Oka", "Zoé Blanc"]),
        ("es", "Por Ana Ruiz y Luis Gil", ["Ana Ruiz", "Luis Gil"]),
        ("es", "Por Juan Ruiz y Gil", ["Juan Ruiz y Gil"]),
        ("it", "Di Paola Neri", ["Paola Neri"]),
        ("en", "Di Paola Neri", ["Di Paola Neri"]),
        ("ru", "Вера Орлова и Пётр Лин", ["Вера Орлова", "Пётр Лин"]),
        ("ar", "بقلم سلمى حداد و كريم ناصر", ["سلمى حداد", "كريم ناصر"]),
        ("hi", "दीपक वर्मा और मीरा देवी", ["दीपक वर्मा", "मीरा देवी"]),
        ("zh", "张伟、李娜", ["张伟", "李娜"]),
        ("en", "Anna and Peter Lind", ["Anna and Peter Lind"]),
        ("en", "Lind, Mara", ["Lind, Mara"]),
        ("en", "Alison", ["Alison"]),
        ("en", "By", ["By"]),
    ],
)
def test_a_byline_is_split_if_every_part_is_a_name(language: str, byline: str, names: list[str]) -> None:
    people = people_in(byline, language, "EPN")

    assert [person.name for person in people] == names
    assert not any(person.is_organisation for person in people)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("Smith & Sons News Agency", ["Smith & Sons News Agency"]),
        ("Reuters and AFP", ["Reuters", "AFP"]),
        ("EPN Desk", ["EPN Desk"]),
        ("Dole & Gabor", ["Dole & Gabor"]),
        ("Our Foreign Staff", ["Our Foreign Staff"]),
        ("The Velmora Trust", ["The Velmora Trust"]),
    ],
)
def test_an_organisation_does_not_become_a_person(byline: str, names: list[str]) -> None:
    people = people_in(byline, "en", "EPN")

    assert [person.name for person in people] == names
    assert all(person.is_organisation for person in people)


def test_a_byline_may_name_a_person_and_an_agency() -> None:
    assert [(each.name, each.is_organisation) for each in people_in("Mara Lind and Reuters", "en", "EPN")] == [
        ("Mara Lind", False),
        ("Reuters", True),
    ]


@pytest.mark.parametrize(
    ("language", "byline"),
    [
        ("en", "Words by Mara Lind, photographs by Joss Vane"),
        ("en", "Mara Lind; Photographs: Joss Vane"),
        ("de", "Mara Lind (Text) und Joss Vane (Fotos)"),
    ],
)
def test_a_photographer_in_a_byline_is_not_an_author(language: str, byline: str) -> None:
    assert [(each.name, each.is_writer) for each in people_in(byline, language, "EPN")] == [
        ("Mara Lind", True),
        ("Joss Vane", False),
    ]


@given(st.text(max_size=80), st.sampled_from(["en", "de", "zh", "ar", "xx"]))
def test_every_byline_names_somebody(byline: str, language: str) -> None:
    people = people_in(byline, language, "EPN")

    assert any(person.is_writer for person in people)


def test_page_and_feeds_name_the_same_people(site: Site, make_article: MakeArticle, make_card: MakeCard) -> None:
    byline = "By Mara Lind and Tomas Oka"
    card = make_card(byline=byline)

    of_page = [each["name"] for each in people_of_page(site, make_article(byline=byline))["author"]]
    of_atom = atom(site, listing_of(site, "feed.atom"), (card,), {}).decode()
    of_json = json.loads(json_feed(site, listing_of(site, "feed.json"), (card,), {}))

    assert of_page == ["Mara Lind", "Tomas Oka"]
    assert [each["name"] for each in of_json["items"][0]["authors"]] == of_page
    assert all(f"<name>{name}</name>" in of_atom for name in of_page)


# --- topics ---


def test_a_repeated_topic_is_shown_once(make_view: MakeView) -> None:
    view = make_view(topics=[{"name": "Städte"}, {"name": unicodedata.normalize("NFD", "städte")}, {"name": "C++"}])

    assert [topic.text for topic in view.topics] == ["Städte", "C++"]
    assert view.topics[0].url == "/topics/stadte/"


def test_only_the_first_eight_topics_link_to_pages(make_view: MakeView) -> None:
    view = make_view(topics=[{"name": "Ports"}, *({"name": f"T {number}"} for number in range(9)), {"name": "ports"}])

    assert [bool(topic.url) for topic in view.topics] == [True] * 8 + [False] * 2


def test_authors_whose_names_differ_in_an_accent_are_both_shown(site: Site) -> None:
    both = facts(None, "Hans Müller", "Hans Muller")

    assert [each.name for each in authors_of(site, both)] == ["Hans Müller", "Hans Muller"]
    assert "Hans Müller" in shown(site, both)
    assert "Hans Muller" in shown(site, both)
