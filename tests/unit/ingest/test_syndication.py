"""RSS, Atom and JSON Feed: each entry is an article."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingest.adapters.readers import FORMATS, READERS
from services.ingest.adapters.readers.syndication.dates import read_date
from services.ingest.adapters.readers.syndication.titles import headline_of
from services.ingest.ports import Document, Entry, Reading, ReadingContext, SetAside
from shared.model.article import Article, Status
from tests.unit.ingest.conftest import NOW, Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

FIXTURES = Path(__file__).parent / "fixtures" / "syndication"
KOLKATA = ZoneInfo("Asia/Kolkata")
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{address}"'
    for prefix, address in {
        "dc": "http://purl.org/dc/elements/1.1/",
        "content": "http://purl.org/rss/1.0/modules/content/",
        "media": "http://search.yahoo.com/mrss/",
        "atom": "http://www.w3.org/2005/Atom",
        "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    }.items()
)
TEXT = "<description>&lt;p&gt;The pier is open.&lt;/p&gt;</description>"


def rss(*items: str) -> bytes:
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0" {NAMESPACES}><channel><title>T</title>{body}</channel></rss>'.encode()


def atom(*entries: str) -> bytes:
    body = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}><title>T</title>{body}</feed>'.encode()


def json_feed(*items: Any, **fields: Any) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items} | fields).encode()


def article_in(entries: Sequence[Entry], place: int = 0) -> Article:
    entry = entries[place]
    assert isinstance(entry, Reading), entry
    return entry.article


def reasons_in(entry: Entry) -> dict[str, str]:
    return {each.pointer: each.reason for each in entry.report.dropped}


def test_an_item_of_a_newspaper_becomes_an_article(read_all: ReadAll) -> None:
    ferry, tides, podcast = read_all((FIXTURES / "newspaper.xml").read_bytes(), "application/rss+xml")

    article = article_in([ferry])
    assert ferry.report.format == "rss-2.0"
    assert article.source_id == "https://sands.example/?p=101"
    assert article.canonical_url == "https://sands.example/2026/11/ferry-strike/?utm_source=rss"
    assert article.headline == 'Ferry strike: "no boats" until Monday & maybe later'
    assert article.version_created == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert article.first_created == article.first_published == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert [each.name for each in article.authors] == ["Ada Marlow", "Tom Orrin"]
    assert (article.section, article.keywords) == ("world", ("Ferries & harbours",))
    assert article.language == "en-GB"
    assert article.rights is not None
    assert article.rights.notice == "2026 Selby Sands Courier"
    assert article.picture is not None
    assert (article.picture.caption, article.picture.credit) == ("The empty pier on Friday", "Ines Vale")
    assert article_in([tides]).authors[0].name == "Night Desk"
    assert isinstance(podcast, SetAside)
    assert podcast.status == "media"


def test_the_body_has_absolute_links_and_players_and_no_counter_or_note_of_the_software(read_all: ReadAll) -> None:
    ferry = read_all((FIXTURES / "newspaper.xml").read_bytes())[0]

    body = article_in([ferry]).body
    assert '<a href="https://sands.example/timetable">' in body
    assert 'src="https://sands.example/pier.jpg"' in body
    assert "https://video.example/embed/7" in body
    assert "count.example" not in body
    assert "appeared first on" not in body
    assert article_in([ferry]).standfirst is None  # the description is the cut beginning of the text
    reasons = reasons_in(ferry)
    assert reasons["/rss/channel/item[1]/description"] == "repeats the beginning of the text"
    assert reasons["/rss/channel/item[1]/comments"] == "comments are not read"


def test_an_entry_that_has_only_a_summary_gets_it_as_its_text(read_all: ReadAll) -> None:
    tides = read_all((FIXTURES / "newspaper.xml").read_bytes())[1]

    assert article_in([tides]).body.startswith("<p>High water comes early")
    assert "the entry has only a summary; it is the text of the article" in tides.report.warnings


def test_entries_of_atom_inherit_the_feeds_facts(read_all: ReadAll) -> None:
    steg, draft, deleted = read_all((FIXTURES / "regional.atom").read_bytes(), "application/atom+xml")

    article = article_in([steg])
    assert steg.report.format == "atom-1.0"
    assert article.headline == "Der neue Steg"
    assert article.standfirst == "Am Samstag wird gefeiert."
    assert article.body == (
        '<p>Der Steg ist fertig. <a href="https://regio.example/news/2026/karte.html">Die Karte</a> zeigt ihn.</p>'
    )
    assert article.canonical_url == "https://regio.example/news/2026/steg.html"
    assert (article.byline, [each.name for each in article.authors]) == (None, ["Regio Redaktion"])
    assert (article.section, article.keywords, article.language) == ("world", ("See",), "de")
    assert "redaktion@" not in article.model_dump_json()
    assert isinstance(draft, Reading)
    assert (draft.article.status, draft.held_because) == (Status.WITHHELD, "the entry is a draft")
    assert draft.article.body == ""
    assert article_in([deleted]).status is Status.WITHHELD
    assert article_in([deleted]).source_id == "tag:regio.example,2026:3"
    assert article_in([deleted]).version_created == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_items_of_json_feed_become_articles(read_all: ReadAll) -> None:
    lamps, note = read_all((FIXTURES / "magazine.json").read_bytes(), "application/feed+json")

    article = article_in([lamps])
    assert lamps.report.format == "json-feed-1.1"
    assert article.source_id == "4711"
    assert article.standfirst == "The council pays for sixty of them."
    assert '<a href="https://bay.example/map">' in article.body
    assert (article.authors[0].name, article.authors[0].uri) == ("Ines Vale", "https://bay.example/ines")
    assert (article.section, article.keywords) == ("world", ("Lamps",))
    assert "the feed has a further page of entries: next_url" in lamps.report.warnings
    assert reasons_in(lamps)["/items/0/_bay"] == "is an extension"
    assert article_in([note]).headline == "The fog horn is back."
    assert article_in([note]).body.count("<p>") == 2
    assert [each.name for each in article_in([note]).authors] == ["Bay Desk"]


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("Don&#x27;t feed the swans &amp; ducks", "Don't feed the swans & ducks"),
        ("Don&amp;#x27;t feed the swans &amp;amp; ducks", "Don't feed the swans & ducks"),
        ("Brown & Sons <em>close</em> on Sunday", "Brown & Sons close on Sunday"),
        ("&lt;em&gt;Brown&lt;/em&gt; &amp; Sons", "Brown & Sons"),
        ("5 &lt; 6, says the council", "5 < 6, says the council"),
        ("The &lt;b&gt; tag is forty", "The <b> tag is forty"),
        ("AT&T and R&D", "AT&T and R&D"),
        ("One\n   line", "One line"),
        ("H<sub>2</sub>O &mdash; water", "H2O — water"),
    ],
)
def test_a_title_is_decoded_until_no_reference_is_left(title: str, headline: str) -> None:
    assert headline_of(title) == headline


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Thu, 05 Sept 2024 06:10:00 +0530", "2024-09-05T00:40:00Z"),
        ("Fri, 06 Sep 24 23:30 EST", "2024-09-07T04:30:00Z"),
        ("Fri, 6 September 2024 11:30 PM GMT", "2024-09-06T23:30:00Z"),
        ("06-Sep-2024 23:30:00 UTC", "2024-09-06T23:30:00Z"),
        ("2024-09-06 23:30:00 +0200", "2024-09-06T21:30:00Z"),
        ("2024-09-06T23:30:00.123Z", "2024-09-06T23:30:00.123Z"),
        ("2024-09-06 23:30:00 UTC", "2024-09-06T23:30:00Z"),
        ("Fri Sep  6 23:30:00 GMT 2024", "2024-09-06T23:30:00Z"),
        ("September 6th, 2024 at 11:30pm CEST", "2024-09-06T21:30:00Z"),
        ("Fri, 06 Sep 2024 23:30:60 GMT+2", "2024-09-06T21:30:59Z"),
        ("Fri, 06 Sep 2024 23:30:00 +0000 (Coordinated Universal Time)", "2024-09-06T23:30:00Z"),
        ("Fri, 06 Sep 2024 23:30:00 IST", "2024-09-06T18:00:00Z"),
    ],
)
def test_dates_as_newspapers_write_them_are_read(text: str, instant: str) -> None:
    found = read_date(text, KOLKATA)

    assert found.instant == datetime.fromisoformat(instant)
    assert found.note == ""


@pytest.mark.parametrize(
    "text", ["yesterday", "05/09/2024", "32 Sep 2024", "Fri, 06 Sep 2024 25:00 GMT", "", "1 2 3 4", "x" * 99]
)
def test_a_text_that_is_no_date_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_date(text, KOLKATA)


def test_a_date_without_a_zone_is_in_the_sites_zone_with_a_note() -> None:
    found = read_date("Fri, 06 Sep 2024 23:30:00", KOLKATA)

    assert found.instant == datetime(2024, 9, 6, 23, 30, tzinfo=timezone(timedelta(hours=5.5)))
    assert found.note == "has no zone; Asia/Kolkata is used"


@pytest.mark.parametrize("date", ["", "<pubDate/>", "<pubDate>Thu, 05 Floréal 2024</pubDate>"])
def test_an_entry_without_a_readable_date_has_the_time_of_receipt_and_a_warning(read: Read, date: str) -> None:
    reading = read(rss(f"<title>A</title><guid>1</guid>{date}{TEXT}"), None)

    assert reading.article.version_created is None
    assert any("time of receipt" in warning for warning in reading.report.warnings)


@pytest.mark.parametrize(
    "date", ["Saturday, 5 December 2026 6 Uhr", "10/12/2026 00:00", "tomorrow", "2027-13-45", "1796428800"]
)
def test_an_entry_whose_date_cannot_be_read_and_may_be_in_the_future_is_held(read_all: ReadAll, date: str) -> None:
    item = {"id": "1", "title": "A", "content_text": "The pier is open.", "date_published": date}
    documents = {
        "/rss/channel/item/pubDate": rss(f"<title>A</title><guid>1</guid><pubDate>{date}</pubDate>{TEXT}"),
        "/feed/entry/published": atom(
            f"<title>A</title><id>1</id><published>{date}</published><updated>2026-11-20T08:00:00Z</updated>"
            "<content>The pier is open.</content>"
        ),
        "/items/0/date_published": json_feed(item),
    }

    for where, raw in documents.items():
        (entry,) = read_all(raw)

        assert isinstance(entry, SetAside)
        assert entry.status == "held"
        assert where in entry.reason


def test_the_end_of_a_day_is_read_as_24_hours(read: Read) -> None:
    for text in ("2026-12-05T24:00:00Z", "2026-12-05T24:00Z", "2026-12-06 05:30:00+05:30"):
        assert read_date(text, KOLKATA).instant == datetime(2026, 12, 6, tzinfo=UTC)
    item = f"<title>A</title><guid>1</guid><pubDate>2026-12-05T24:00:00Z</pubDate>{TEXT}"

    assert read(rss(item), None).article.embargo_until == datetime(2026, 12, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        rss(
            f"<title>SECRET</title><guid>1</guid><pubDate>2026-11-20T08:00:00Z</pubDate>"
            f'<media:status state="blocked"/>{TEXT}'
        ),
        json_feed(
            {"id": "1", "content_text": "SECRET", "date_published": "2026-11-20T08:00:00Z", "_cms": {"status": "draft"}}
        ),
        json_feed({"id": "1", "content_text": "SECRET", "date_published": "2026-11-20T08:00:00Z", "_draft": True}),
    ],
)
def test_an_entry_that_its_sender_marks_as_not_public_is_withheld(read: Read, raw: bytes) -> None:
    reading = read(raw, None)

    assert reading.article.status is Status.WITHHELD
    assert reading.held_because
    assert reading.article.version_created == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert "SECRET" not in reading.article.model_dump_json()


def test_an_entry_that_is_not_public_and_has_no_date_is_set_aside(read_all: ReadAll) -> None:
    (entry,) = read_all(rss(f'<title>A</title><guid>1</guid><media:status state="blocked"/>{TEXT}'))

    assert isinstance(entry, SetAside)
    assert entry.status == "held"


def test_a_date_in_the_future_is_an_embargo(read: Read) -> None:
    later = NOW + timedelta(days=3)

    reading = read(rss(f"<title>A</title><guid>1</guid><pubDate>{later.isoformat()}</pubDate>{TEXT}"), None)

    assert reading.article.embargo_until == later
    assert reading.article.version_created is None
    assert any("in the future" in warning for warning in reading.report.warnings)


def test_an_embargo_element_is_an_embargo_and_an_unreadable_one_refuses_the_entry(read: Read, refuse: Refuse) -> None:
    item = "<title>A</title><guid>1</guid><prism:embargoDate>{}</prism:embargoDate>" + TEXT

    assert read(rss(item.format("2026-11-25T06:00:00Z")), None).article.embargo_until == datetime(
        2026, 11, 25, 6, tzinfo=UTC
    )
    assert refuse(rss(item.format("soon")), None).faults[0].pointer == "/rss/channel/item/prism:embargoDate"


def test_one_dc_identifier_of_all_items_is_no_identity(read_all: ReadAll) -> None:
    item = (
        "<title>A</title><link>https://a.example/{}</link><dc:identifier>https://a.example/ilse</dc:identifier>" + TEXT
    )

    entries = read_all(rss(item.format(1), item.format(2)))

    assert [article_in(entries, place).source_id for place in (0, 1)] == ["https://a.example/1", "https://a.example/2"]
    assert reasons_in(entries[0])["/rss/channel/item[1]/dc:identifier"].startswith("is no identity")


def test_items_with_one_guid_and_different_links_are_identified_by_their_links(read_all: ReadAll) -> None:
    item = "<title>A</title><link>https://a.example/{}</link><guid>constant</guid>" + TEXT

    entries = read_all(rss(item.format(1), item.format(2)))

    assert [article_in(entries, place).source_id for place in (0, 1)] == ["https://a.example/1", "https://a.example/2"]
    assert any("several entries" in warning for warning in entries[0].report.warnings)


def test_white_space_around_a_link_is_removed_and_inside_is_encoded(read: Read) -> None:
    reading = read(rss(f"<title>A</title><link>\n  https://a.example/c d?utm=1\n</link>{TEXT}"), None)

    assert reading.article.source_id == "https://a.example/c%20d?utm=1"


def test_an_entry_without_id_and_link_is_refused(read_all: ReadAll, refuse: Refuse) -> None:
    assert "neither an id nor a link" in refuse(rss(f"<title>A</title>{TEXT}"), None).detail

    first, second = read_all(rss(f"<title>A</title>{TEXT}", f"<title>B</title><guid>2</guid>{TEXT}"))

    assert isinstance(first, SetAside)
    assert first.status == "refused"
    assert article_in([second]).source_id == "2"


def test_content_comes_before_the_description(read: Read) -> None:
    content = "<content:encoded>&lt;p&gt;The whole text of the pier.&lt;/p&gt;</content:encoded>"

    reading = read(rss(f"<title>A</title><guid>1</guid><description>A short note on it.</description>{content}"), None)

    assert reading.article.body == "<p>The whole text of the pier.</p>"
    assert reading.article.standfirst == "A short note on it."


def test_a_body_that_was_escaped_twice_is_decoded_with_a_warning(read: Read) -> None:
    text = "<description>&amp;lt;p&amp;gt;The pier is open.&amp;lt;/p&amp;gt;</description>"

    reading = read(rss(f"<title>A</title><guid>1</guid>{text}"), None)

    assert reading.article.body == "<p>The pier is open.</p>"
    assert any("escaped twice" in warning for warning in reading.report.warnings)


def test_buttons_and_counters_are_removed_and_an_advertisement_is_no_article(read_all: ReadAll) -> None:
    advertisement = '&lt;a href="https://ads.example/c"&gt;&lt;img src="https://ads.example/i"/&gt;&lt;/a&gt;'
    link = "<link>https://a.example/{}</link>"

    story, advert = read_all(
        rss(
            f"<title>A</title>{link.format(1)}<description>&lt;p&gt;Open.&lt;/p&gt;{advertisement}</description>",
            f"<title>B</title>{link.format(2)}<description>{advertisement}</description>",
        )
    )

    assert article_in([story]).body == "<p>Open.</p>"
    assert isinstance(advert, SetAside)


def test_an_entry_of_sound_and_a_line_is_media_and_one_with_a_text_is_an_article(read_all: ReadAll) -> None:
    sound = '<enclosure url="https://a.example/1.mp3" type="audio/mpeg"/>'
    words = "word " * 30

    line, text = read_all(
        rss(
            f"<title>A</title><guid>1</guid>{sound}<description>Two fishermen talk.</description>",
            f"<title>B</title><guid>2</guid>{sound}<description>{words}</description>",
        )
    )

    assert isinstance(line, SetAside)
    assert line.status == "media"
    assert [each.url for each in article_in([text]).embeds] == ["https://a.example/1.mp3"]


def test_an_item_that_an_aggregator_must_delete_is_withheld(read: Read) -> None:
    item = f'<title>A</title><guid>1</guid><media:status state="deleted"/>{TEXT}'

    assert read(rss(item), None).article.status is Status.WITHHELD


def test_a_deleted_item_with_an_unreadable_embargo_is_withheld(read: Read) -> None:
    item = '<title>A</title><guid>1</guid><media:status state="deleted"/><prism:embargoDate>?</prism:embargoDate>'

    reading = read(rss(item + TEXT), None)

    assert reading.article.status is Status.WITHHELD
    assert "removal is accepted" in reasons_in(reading)["/rss/channel/item/prism:embargoDate"]


def test_an_updated_entry_has_the_date_of_its_publication(read_all: ReadAll) -> None:
    fields = {"date_published": "2026-11-19T08:00:00Z", "date_modified": "2026-11-21T09:00:00Z"}
    times = "<published>2026-11-19T08:00:00Z</published><updated>2026-11-21T09:00:00Z</updated>"
    entry = f"<id>1</id><title>A</title>{times}<content>The harbour is open again.</content>"
    documents = (atom(entry), json_feed({"id": "1", "title": "A", "content_text": "The harbour is open.", **fields}))

    found = [article_in(read_all(each)) for each in documents]

    assert {each.first_published for each in found} == {datetime(2026, 11, 19, 8, tzinfo=UTC)}
    assert {each.version_created for each in found} == {datetime(2026, 11, 21, 9, tzinfo=UTC)}


def test_rss_1_has_its_items_beside_the_channel(read_all: ReadAll) -> None:
    raw = b"""<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://a.example/"><title>T</title>
 <dc:language>fr</dc:language></channel><item rdf:about="https://a.example/1"><title>Un</title>
 <description>La jet\xc3\xa9e est ouverte.</description><dc:date>2026-11-20T08:00:00+01:00</dc:date></item></rdf:RDF>"""

    (entry,) = read_all(raw)

    article = article_in([entry])
    assert entry.report.format == "rss-1.0"
    assert (article.source_id, article.language) == ("https://a.example/1", "fr")
    assert article.version_created == datetime(2026, 11, 20, 7, tzinfo=UTC)


def test_a_single_atom_entry_is_read(read: Read) -> None:
    raw = b"""<entry xmlns="http://www.w3.org/2005/Atom"><id>tag:a.example,2026:1</id><title>A</title>
 <updated>2026-11-20T08:00:00Z</updated><content type="text">One.\n\nTwo.</content></entry>"""

    assert read(raw, None).article.body == "<p>One.</p>\n<p>Two.</p>"


def test_an_entry_without_a_text_is_refused_with_the_reason(refuse: Refuse) -> None:
    error = refuse(rss("<title>A</title><guid>1</guid>"), None)

    assert error.faults[0].pointer == "/rss/channel/item"
    assert "neither a text nor a summary" in error.detail


def test_atom_without_its_namespace_is_read(read: Read) -> None:
    raw = b"<feed><entry><id>1</id><title>A</title><content>The pier is open.</content></entry></feed>"

    assert read(raw, None).article.body == "<p>The pier is open.</p>"


def test_text_that_is_declared_as_plain_keeps_its_signs(read: Read) -> None:
    entry = "<id>1</id><title>A</title><content>The &lt;b&gt; tag, 5 &lt; 6 &amp;amp; 7.</content>"

    assert read(atom(entry), None).article.body == "<p>The &lt;b&gt; tag, 5 &lt; 6 &amp;amp; 7.</p>"


def test_a_bare_ampersand_and_an_undeclared_prefix_are_corrected_with_a_warning(read: Read) -> None:
    raw = b"""<rss version="2.0"><channel><item><title>Salt & Sons</title><link>https://a.example/?a=1&b=2</link>
 <dc:creator>Ada Marlow</dc:creator><description><![CDATA[<p>Salt & more.</p>]]></description></item></channel></rss>"""

    reading = read(raw, "application/rss+xml")

    assert reading.article.headline == "Salt & Sons"
    assert reading.article.source_id == "https://a.example/?a=1&b=2"
    assert reading.article.authors[0].name == "Ada Marlow"
    assert any("not well-formed" in warning for warning in reading.report.warnings)


def test_a_broken_feed_is_refused_with_line_and_column(refuse: Refuse) -> None:
    error = refuse(b"<rss><channel><item><title>A</item></channel></rss>", "application/rss+xml")

    assert error.code == 400
    assert "line 1" in error.detail


def test_an_export_of_wordpress_is_not_read_as_a_feed() -> None:
    raw = b'<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><wp:wxr_version>1.2</wp:wxr_version></channel></rss>'

    assert not any(reader.recognises(Document(raw)) for reader in READERS if reader.format.name in ("rss", "atom"))


def test_an_rss_feed_with_another_senders_prefix_wp_is_read(read: Read) -> None:
    raw = rss(f"<title>A</title><guid>1</guid>{TEXT}").replace(
        b"<rss ", b'<rss xmlns:wp="https://paper.example/wp-namespace" '
    )

    assert read(raw, "application/rss+xml").article.source_id == "1"


@pytest.mark.parametrize("raw", [b"<rss><channel/></rss>", json_feed(), b'<feed xmlns="http://www.w3.org/2005/Atom"/>'])
def test_a_feed_without_entries_is_refused(refuse: Refuse, raw: bytes) -> None:
    assert refuse(raw, None).code == 422


def test_a_feed_with_too_many_entries_is_refused(refuse: Refuse) -> None:
    items = [f"<title>A</title><guid>{number}</guid>{TEXT}" for number in range(501)]

    assert refuse(rss(*items), None).code == 413


def test_mail_addresses_are_never_published(read: Read) -> None:
    item = f"<title>A</title><guid>1</guid><author>ada@a.example</author>{TEXT}"

    reading = read(rss(item), None)

    assert "ada@" not in reading.article.model_dump_json()
    assert "contact details" in reasons_in(reading)["/rss/channel/item/author"]


def test_a_byline_of_several_people_stays_as_the_sender_wrote_it(read: Read) -> None:
    item = f"<title>A</title><guid>1</guid><dc:creator>Ada Marlow, drawings by Tom Orrin</dc:creator>{TEXT}"

    assert read(rss(item), None).article.byline == "Ada Marlow, drawings by Tom Orrin"


def test_the_same_article_in_three_feed_formats_gives_equal_articles(read: Read) -> None:
    """JSON Feed has no rights of an entry, so the feeds have none here."""
    in_rss = read(
        rss(
            "<title>Lamps</title><link>https://a.example/1</link><guid>a1</guid><dc:creator>Ada Marlow</dc:creator>"
            "<pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate><atom:updated>2026-11-20T09:00:00Z</atom:updated>"
            "<category>World</category><category>Piers</category><dc:language>en</dc:language>"
            "<description>Sixty of them.</description>"
            "<content:encoded>&lt;p&gt;The lamps are here.&lt;/p&gt;</content:encoded>"
        ),
        None,
    )
    in_atom = read(
        atom(
            '<id>a1</id><title>Lamps</title><link href="https://a.example/1"/><author><name>Ada Marlow</name></author>'
            "<published>2026-11-20T08:00:00Z</published><updated>2026-11-20T09:00:00Z</updated>"
            '<category term="World"/><category term="Piers"/><summary>Sixty of them.</summary>'
            '<content type="html" xml:lang="en">&lt;p&gt;The lamps are here.&lt;/p&gt;</content>'
        ),
        None,
    )
    in_json = read(
        json_feed(
            {
                "id": "a1",
                "url": "https://a.example/1",
                "title": "Lamps",
                "authors": [{"name": "Ada Marlow"}],
                "date_published": "2026-11-20T08:00:00Z",
                "date_modified": "2026-11-20T09:00:00Z",
                "tags": ["World", "Piers"],
                "summary": "Sixty of them.",
                "content_html": "<p>The lamps are here.</p>",
            }
        ),
        None,
    )

    assert in_rss.article == in_atom.article == in_json.article


def test_the_examples_are_read_without_a_warning_about_their_fields(read: Read) -> None:
    for format_ in FORMATS:
        if format_.name in ("rss", "atom", "json-feed"):
            reading = read(format_.example.encode(), format_.media_types[0])
            assert not reading.report.dropped, format_.name


def test_the_fixtures_survive_mutations(context: ReadingContext) -> None:
    slowest = assert_survives([file.read_bytes() for file in sorted(FIXTURES.iterdir())], context, 200, 37)

    assert slowest < 1


@pytest.mark.parametrize(
    "item",
    [
        "<category>x</category>" * 20_000,
        "<x/>" * 50_000,
        '<media:content url="https://a.example/x.jpg"/>' * 10_000,
        f"<link>{' ' * 300_000}x</link>",
        "<pubDate>" + "1 " * 100_000 + "</pubDate>",
        "<author>" + "a@" * 100_000 + "</author>",
        "<description>" + "&lt;" * 60_000 + "</description>",
        "<description>" + "read more " * 30_000 + "</description>",
    ],
    ids=["categories", "elements", "media", "spaces", "date", "mail", "escapes", "ends"],
)
def test_a_hostile_item_takes_little_time(context: ReadingContext, item: str) -> None:
    raw = rss(f"<title>A</title><guid>1</guid>{TEXT}{item}")

    assert assert_survives([raw], context, 1, 1) < 1
