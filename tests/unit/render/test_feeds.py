"""The three feeds; their rules are those of W3C's feed validation service."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from services.render.domain.machine_readable import atom, json_feed, rss
from services.render.domain.machine_readable.feeds import feeds_of
from services.render.domain.machine_readable.xml import Tree, printable
from shared.model.article import Direction, SafeHtml
from shared.model.card import Card, CardPicture
from shared.site.listings import listing_of
from shared.site.sites import Site
from tests.unit.render.conftest import CREATED

SCHEMA = Path(__file__).resolve().parents[3].parent / "shared" / "inputs" / "schemas" / "schema-v1.1.json"
FEEDS = {"rss": rss, "atom": atom, "json": json_feed}
NAMESPACES = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
HOSTILE = "<script>alert(1)</script> ]]> &amp; \"'\x00\x0b\ufffe \U0001f6a2 \u202e\u200f\r\n\t<!-- \u2028"
SHARED_FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

MakeCard = Callable[..., Card]


@pytest.fixture
def cards(make_card: MakeCard, picture: CardPicture) -> tuple[Card, ...]:
    return (
        make_card(1, standfirst="A & B <b>", topics=("Ports", "World"), authors=("Mira Solen",), picture=picture),
        make_card(2, byline="EPN Desk", created_at=CREATED - timedelta(days=1)),
        make_card(3, headline=HOSTILE, standfirst=HOSTILE, authors=(HOSTILE, "B"), topics=(HOSTILE,)),
    )


TEXTS = {
    "article1": SafeHtml("<p>See <a href='/world/x/'>this</a>, <a href='#note'>that</a> and a]]&gt;b.</p>"),
    "article2": SafeHtml("<p>Plain.</p>"),
}


def feed(site: Site, name: str, cards: tuple[Card, ...], texts: dict[str, SafeHtml] | None = None) -> bytes:
    kind = name.partition(".")[0]
    return FEEDS[kind](site, listing_of(site, f"feed.{name}"), cards, texts or {})


def find(node: Any, path: str) -> Any:
    return node.xpath(path, namespaces=NAMESPACES)


def assert_absolute(addresses: Iterable[str]) -> None:
    for address in addresses:
        parts = urlsplit(address)
        assert parts.scheme in ("http", "https", "mailto"), address
        assert parts.netloc or parts.scheme == "mailto", address


def assert_links_are_absolute(fragment: str) -> None:
    for element in lxml_html.fragment_fromstring(fragment, create_parent="div").iter():
        assert_absolute(element.get(name) for name in ("href", "src") if element.get(name))


def assert_is_rfc_3339(moments: Iterable[str]) -> None:
    for moment in moments:
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})", moment), moment
        datetime.fromisoformat(moment)


def assert_is_valid_rss(body: bytes, own_url: str) -> None:
    root = etree.fromstring(body)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    for name in ("title", "link", "description", "language"):
        (value,) = find(channel, f"{name}/text()")
        assert value.strip()
    assert_absolute(find(channel, "link/text() | a:link/@href | item/link/text() | item/media:content/@url"))
    assert find(channel, "a:link[@rel='self']/@href") == [own_url]
    for date in find(channel, "lastBuildDate/text() | item/pubDate/text()"):
        assert parsedate_to_datetime(date).tzinfo
        assert re.fullmatch(r"\w{3}, \d{2} \w{3} \d{4} \d\d:\d\d:\d\d [+]0000", date)
    for item in find(channel, "item"):
        for name in ("title", "link", "guid", "pubDate"):
            assert len(find(item, name)) == 1
        assert len(find(item, "description")) <= 1
        assert find(item, "guid/@isPermaLink") == ["false"]
        for fragment in find(item, "content:encoded/text()"):
            assert_links_are_absolute(fragment)
    guids = find(channel, "item/guid/text()")
    assert len(set(guids)) == len(guids) == len(find(channel, "item"))


def assert_is_valid_atom(body: bytes, own_url: str) -> None:
    root = etree.fromstring(body)
    assert root.tag == f"{{{NAMESPACES['a']}}}feed"
    assert find(root, "a:link[@rel='self']/@href") == [own_url]
    assert find(root, "a:author/a:name/text()")
    assert_absolute(find(root, "//a:link/@href"))
    assert_is_rfc_3339(find(root, "//a:updated/text() | //a:published/text()"))
    for node in (root, *find(root, "a:entry")):
        for name in ("id", "title", "updated"):
            assert len(find(node, f"a:{name}")) == 1
        assert len(find(node, "a:link[@rel='alternate']")) == 1
        for name in find(node, "a:author/a:name"):
            assert name.text
    for entry in find(root, "a:entry"):
        assert find(entry, "a:summary | a:content")
        assert all(term for term in find(entry, "a:category/@term"))
        for fragment in find(entry, "a:content[@type='html']/text()"):
            assert_links_are_absolute(fragment)
    ids = find(root, "//a:id/text()")
    assert len(set(ids)) == len(ids)
    assert all(re.match(r"(urn:[a-z0-9-]{2,32}|https?):\S+$", each) for each in ids)


def assert_is_valid_json_feed(body: bytes, own_url: str) -> None:
    described = json.loads(body)
    assert described["version"] == "https://jsonfeed.org/version/1.1"
    assert described["title"]
    assert described["feed_url"] == own_url
    assert_absolute((described["home_page_url"], described["feed_url"]))
    ids = [item["id"] for item in described["items"]]
    assert len(set(ids)) == len(ids)
    for item in described["items"]:
        assert ("content_html" in item) is not ("content_text" in item)
        assert_absolute(item[name] for name in ("url", "image") if name in item)
        assert_is_rfc_3339([item["date_published"]])
        assert len(set(item["tags"])) == len(item["tags"])
        assert_links_are_absolute(item.get("content_html", "<p>"))


@pytest.mark.parametrize("texts", [{}, TEXTS], ids=["summary", "full"])
@pytest.mark.parametrize("end", ["", ".world"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_feed_is_valid(
    site: Site, cards: tuple[Card, ...], texts: dict[str, SafeHtml], end: str, count: int
) -> None:
    folder = "https://epn.example/world" if end else "https://epn.example"

    assert_is_valid_rss(feed(site, f"rss{end}", cards[:count], texts), f"{folder}/feed.xml")
    assert_is_valid_atom(feed(site, f"atom{end}", cards[:count], texts), f"{folder}/atom.xml")
    assert_is_valid_json_feed(feed(site, f"json{end}", cards[:count], texts), f"{folder}/feed.json")


@pytest.mark.skipif(not SCHEMA.exists(), reason="JSON Feed's schema (../shared/inputs/schemas) is not here")
@pytest.mark.parametrize("texts", [{}, TEXTS], ids=["summary", "full"])
def test_a_json_feed_is_valid_against_its_schema(
    site: Site, cards: tuple[Card, ...], texts: dict[str, SafeHtml]
) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

    jsonschema.validate(json.loads(feed(site, "json", cards, texts)), json.loads(SCHEMA.read_text("utf-8")))


@SHARED_FIXTURES
@given(words=st.text(min_size=1, max_size=60))
@example(words=HOSTILE)
@example(words="a]]>b")
@example(words="one\r\ntwo\rthree")
def test_a_feed_preserves_any_text(site: Site, make_card: MakeCard, words: str) -> None:
    card = make_card(headline=words, standfirst=words, authors=(words,), topics=(words,))
    kept = printable(words)

    item = etree.fromstring(feed(site, "rss", (card,)))[0][-1]
    entry = etree.fromstring(feed(site, "atom", (card,)))[-1]
    (described,) = json.loads(feed(site, "json", (card,)))["items"]

    assert (item.findtext("title"), item.findtext("dc:creator", namespaces=NAMESPACES)) == (kept, kept)
    assert html.unescape(item.findtext("description") or "") == kept
    for name in ("title", "summary", "author/a:name"):
        assert entry.findtext(f"a:{name}", namespaces=NAMESPACES) == kept
    assert (described["title"], described["summary"], described["tags"][-1]) == (words, words, words)


@SHARED_FIXTURES
@given(words=st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=60))
@example(words="a]]>b<![CDATA[")
def test_a_full_feed_preserves_any_body(site: Site, make_card: MakeCard, words: str) -> None:
    texts = {"article1": SafeHtml(f"<p>{html.escape(words)}</p><p>The end.</p>")}
    kept = printable(words) + "The end."

    in_rss = find(etree.fromstring(feed(site, "rss", (make_card(),), texts)), "string(//content:encoded)")
    in_atom = find(etree.fromstring(feed(site, "atom", (make_card(),), texts)), "string(//a:content)")
    in_json = json.loads(feed(site, "json", (make_card(),), texts))["items"][0]["content_html"]

    assert in_rss == in_atom == in_json
    assert lxml_html.fragment_fromstring(in_json, create_parent="div").text_content() == kept


@given(text=st.text())
@example(text="]]>")
@example(text="\r")
def test_cdata_contains_only_text_that_it_preserves(text: str) -> None:
    tree = Tree("a", {})
    tree.add(tree.root, "b", text, {"c": text}, is_cdata=True)

    read = etree.fromstring(tree.body())[0]

    assert (read.text or "", read.get("c")) == (printable(text), printable(text))


def test_a_quoted_tag_is_shown_by_a_feed_reader_and_never_run(site: Site, make_card: MakeCard) -> None:
    card = make_card(standfirst="<img src=x onerror=alert(1)>")

    (shown,) = find(etree.fromstring(feed(site, "rss", (card,))), "//item/description/text()")

    assert lxml_html.fragment_fromstring(shown, create_parent="div").text_content() == card.standfirst
    assert "<" not in shown


def test_a_corrected_text_changes_no_summary_feed(site: Site, cards: tuple[Card, ...]) -> None:
    corrected = tuple(card.model_copy(update={"updated_at": CREATED + timedelta(days=9)}) for card in cards)

    for name in FEEDS:
        assert feed(site, name, corrected) == feed(site, name, cards)


def test_a_feed_is_dated_by_its_newest_story_not_by_the_clock(site: Site, make_card: MakeCard) -> None:
    cards = (make_card(1), make_card(2, created_at=datetime(2025, 2, 12, 23, 59, 1, 999, tzinfo=UTC)))

    assert find(etree.fromstring(feed(site, "rss", cards)), "//lastBuildDate/text()") == [
        "Thu, 13 Feb 2025 00:44:00 +0000"
    ]
    assert find(etree.fromstring(feed(site, "atom", cards)), "/a:feed/a:updated/text()") == ["2025-02-13T00:44:00Z"]


def test_an_article_keeps_its_id_when_its_address_and_headline_change(site: Site, make_card: MakeCard) -> None:
    before, after = make_card(), make_card(path="news/2025/02/13/other/index.html", headline="Mended", section="news")

    for name, guid in (("rss", "//item/guid/text()"), ("atom", "//a:entry/a:id/text()")):
        assert find(etree.fromstring(feed(site, name, (before,))), guid) == find(
            etree.fromstring(feed(site, name, (after,))), guid
        )


def test_links_in_a_body_are_absolute(site: Site, cards: tuple[Card, ...]) -> None:
    (first, _second, _third) = json.loads(feed(site, "json", cards, TEXTS))["items"]

    links = re.findall(r'href="([^"]+)"', first["content_html"])

    assert links == ["https://epn.example/world/x/", "https://epn.example/world/2025/02/13/story-1/#note"]


def test_an_unparsable_link_does_not_stop_the_feed(site: Site, make_card: MakeCard) -> None:
    texts = {"article1": SafeHtml('<p><a href="http://[broken">a</a> and <a href="/b/">b</a></p>')}

    for name in FEEDS:
        assert b"https://epn.example/b/" in feed(site, name, (make_card(),), texts)


def test_a_text_in_the_other_direction_has_its_direction_and_language(site: Site, make_card: MakeCard) -> None:
    card = make_card(language="ar", direction=Direction.RTL)
    texts = {"article1": SafeHtml("<p>عادت العبّارة</p>")}

    (item,) = json.loads(feed(site, "json", (card,), texts))["items"]

    assert item["content_html"] == '<div lang="ar" dir="rtl"><p>عادت العبّارة</p></div>'


def test_an_article_without_a_text_still_has_content(site: Site, make_card: MakeCard) -> None:
    texts = {"article1": SafeHtml(" \n")}

    assert not find(etree.fromstring(feed(site, "rss", (make_card(),), texts)), "//content:encoded")
    assert find(etree.fromstring(feed(site, "atom", (make_card(),), texts)), "//a:summary/text()") == ["Story 1"]
    assert json.loads(feed(site, "json", (make_card(),), texts))["items"][0]["content_text"] == "Story 1"


def test_a_picture_of_unknown_size_has_no_size(site: Site, make_card: MakeCard, picture: CardPicture) -> None:
    card = make_card(picture=picture.model_copy(update={"width": 0, "height": 0}))

    (media,) = find(etree.fromstring(feed(site, "rss", (card,))), "//media:content")

    assert dict(media.attrib) == {"url": "https://epn.example/media/0a1b/1200.jpg", "medium": "image"}


def test_a_page_names_its_sections_feeds_before_the_sites(site: Site) -> None:
    named = feeds_of(site, "world")

    assert [address for _, _, address in named] == [
        *("/world/feed.xml", "/world/atom.xml", "/world/feed.json"),
        *("/feed.xml", "/atom.xml", "/feed.json"),
    ]
    assert feeds_of(site, "gone") == feeds_of(site, None) == named[3:]
    assert len({title for _, title, _ in named}) == 6


def test_each_feed_names_the_hub_of_its_site_and_itself(site: Site, cards: tuple[Card, ...]) -> None:
    with_hub = site.model_copy(update={"hub_url": "https://hub.example/?a=1&b=2"})
    links = [
        {
            (link.get("rel"), link.get("href"))
            for link in etree.fromstring(feed(with_hub, name, cards)).iterfind(path, NAMESPACES)
        }
        for name, path in (("rss", "channel/a:link"), ("atom", "a:link"))
    ]
    document = json.loads(feed(with_hub, "json", cards))

    assert ("hub", "https://hub.example/?a=1&b=2") in links[0] & links[1]
    assert [str(dict(found)["self"]).rpartition("/")[2] for found in links] == ["feed.xml", "atom.xml"]
    assert document["hubs"] == [{"type": "WebSub", "url": "https://hub.example/?a=1&b=2"}]
    assert document["feed_url"].endswith("/feed.json")
