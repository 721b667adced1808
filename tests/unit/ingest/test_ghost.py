"""Ghost: exports, webhooks, posts of its interfaces, and files for its importer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.ports import Reading, ReadingContext, SetAside
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

FIXTURES = Path(__file__).parent / "fixtures" / "ghost"
EXPORT = (FIXTURES / "export.json").read_bytes()
WEBHOOK = (FIXTURES / "webhook.json").read_bytes()


@pytest.fixture
def hook() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(WEBHOOK)
    return loaded


@pytest.fixture
def ferry(read_all: ReadAll) -> Reading:
    reading = read_all(EXPORT)[0]
    assert isinstance(reading, Reading)
    return reading


def test_only_published_posts_for_everybody_become_articles(read_all: ReadAll) -> None:
    entries = read_all(EXPORT)

    outcomes = [each.status if isinstance(each, SetAside) else each.article.status.value for each in entries]
    assert outcomes == ["usable", "held", "withheld", "withheld", "held", "refused", "usable", "usable"]
    assert "SECRET" not in "".join(each.article.model_dump_json() for each in entries if isinstance(each, Reading))


def test_the_facts_of_an_exported_post(ferry: Reading) -> None:
    article = ferry.article

    assert ferry.report.format == "ghost-5.101.1"
    assert article.source_id == "11111111-0000-4000-8000-000000000001"
    assert article.headline == "Ferry & pier"
    assert article.standfirst == "Two were late."
    assert article.section == "world"
    assert article.keywords == ("Ferries",)
    assert [author.name for author in article.authors] == ["Ines Marrow"]
    assert article.first_published == datetime(2026, 5, 2, 6, 10, tzinfo=UTC)
    assert article.version_created == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    assert article.urgency == 3
    assert article.slug == "ferry-and-pier"
    assert article.old_addresses == ("/ferry-and-pier/",)
    assert article.picture is not None
    assert (article.picture.caption, article.picture.alt) == ("The ferry", "A white ferry")
    assert "private@" not in article.model_dump_json()


def test_cards_become_links_and_players(ferry: Reading) -> None:
    body = ferry.article.body

    assert '<p><a href="https://other.example/x">Another page</a></p>' in body
    assert '<video src="https://courier.example/v.mp4"></video><p>On the pier</p>' in body
    assert "0:00" not in body
    assert '<a href="/other/">early</a>' in body


def test_code_of_the_theme_is_reported_as_dropped(ferry: Reading) -> None:
    assert "/db/0/data/posts/0/codeinjection_head" in [each.pointer for each in ferry.report.dropped]


def test_a_webhook_equals_the_exported_post(read: Read, ferry: Reading) -> None:
    """A webhook has no old address, and its body has no cards here."""
    others = {"body", "old_addresses"}

    assert read(WEBHOOK).article.model_dump(exclude=others) == ferry.article.model_dump(exclude=others)


def test_a_post_of_the_admin_interface_equals_the_webhook(read: Read, hook: dict[str, Any]) -> None:
    current = hook["post"]["current"]

    assert read({"posts": [current]}).article == read(hook).article
    assert read(current).article == read(hook).article


def test_a_post_of_the_content_interface_has_no_status(read: Read, refuse: Refuse, hook: dict[str, Any]) -> None:
    current = hook["post"]["current"]
    del current["status"]

    assert read({"posts": [current | {"access": True}]}).article.status is Status.USABLE
    assert refuse({"posts": [current]}).code == 422
    assert read({"posts": [current | {"access": False, "status": "published"}]}).held_because


@pytest.mark.parametrize(
    "change",
    [
        {"status": "draft"},
        {"status": "scheduled"},
        {"status": "sent"},
        {"visibility": "members"},
        {"visibility": "paid"},
        {"visibility": "tiers"},
        {"visibility": "label:vip"},
    ],
)
def test_a_webhook_about_a_hidden_post_withholds_its_article(
    read: Read, hook: dict[str, Any], change: dict[str, str]
) -> None:
    hook["post"]["current"] |= change

    reading = read(hook)

    assert reading.article.status is Status.WITHHELD
    assert reading.held_because
    assert reading.article.body == ""
    assert reading.article.version_created == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<p>Open.</p><!--members-only--><p>SECRET</p>", "<p>Open.</p>"),
        ("<p>Open.</p><!-- MEMBERS-ONLY --><p>SECRET</p><!--members-only--><p>SECRET</p>", "<p>Open.</p>"),
        (
            (
                '<p>Open.</p><!--kg-gated-block:begin nonMember:false memberSegment:"status:free" --><p>SECRET</p>'
                "<!--kg-gated-block:end--><p>After.</p>"
            ),
            "<p>Open.</p><p>After.</p>",
        ),
        ("<p>Open.</p><!--kg-gated-block:begin --><p>SECRET</p>", "<p>Open.</p>"),
        (
            (
                "<!--kg-gated-block:begin nonMember:true--><p>Open.</p><!--kg-gated-block:end-->"
                "<!--kg-gated-block:begin x--><p>SECRET</p><!--kg-gated-block:end-->"
            ),
            "<p>Open.</p>",
        ),
    ],
)
def test_the_parts_of_a_post_for_members_are_cut_and_reported(
    read: Read, hook: dict[str, Any], html: str, body: str
) -> None:
    hook["post"]["current"]["html"] = html

    reading = read(hook)

    assert reading.article.body == body
    assert any(each.pointer == "/post/current/html" for each in reading.report.dropped)


def test_an_open_block_stays_without_a_report(read: Read, hook: dict[str, Any]) -> None:
    hook["post"]["current"]["html"] = "<!--kg-gated-block:begin nonMember:true--><p>A</p><!--kg-gated-block:end-->"

    reading = read(hook)

    assert reading.article.body == "<p>A</p>"
    assert not any(each.pointer == "/post/current/html" for each in reading.report.dropped)


def test_a_post_that_begins_with_the_paywall_is_withheld(read: Read, hook: dict[str, Any]) -> None:
    hook["post"]["current"]["html"] = "<!--members-only--><p>SECRET</p>"

    assert read(hook).held_because == "is for members only"


@pytest.mark.parametrize("is_all_gated", [True, False])
@pytest.mark.parametrize("name", ["lexical", "mobiledoc"])
def test_the_parts_for_members_of_an_editors_format_are_cut(
    read: Read, hook: dict[str, Any], name: str, *, is_all_gated: bool
) -> None:
    def line(text: str) -> dict[str, Any]:
        return {"type": "paragraph", "children": [{"type": "text", "text": text}]}

    gated = {"type": "html", "html": "<p>SECRET</p>", "visibility": {"web": {"nonMember": False}}}
    nodes = [*([] if is_all_gated else [line("Open.")]), gated, {"type": "paywall"}, line("SECRET")]
    cards = [["html", gated], ["paywall", {}]]
    sections = [[10, 0], [10, 1], [1, "p", [[0, [], 0, "SECRET"]]]]
    if not is_all_gated:
        sections.insert(0, [1, "p", [[0, [], 0, "Open."]]])
    document = {"root": {"children": nodes}} if name == "lexical" else {"sections": sections, "cards": cards}
    hook["post"]["current"] |= {"html": None, name: json.dumps(document)}

    reading = read(hook)

    if is_all_gated:
        assert reading.held_because == "is for members only"
    else:
        assert reading.article.body == "<p>Open.</p>"
        assert any("for members only" in each.reason for each in reading.report.dropped)


def test_a_post_that_does_not_state_its_visibility_is_withheld(
    read: Read, read_all: ReadAll, hook: dict[str, Any]
) -> None:
    current = hook["post"]["current"]
    del current["visibility"]

    assert "does not state its visibility" in read(hook).held_because
    assert read({"posts": [current]}).held_because
    for version, is_held in (("3.42.0", True), ("5.101.1", True), ("2.14.0", False)):
        (entry,) = read_all({"db": [{"meta": {"version": version}, "data": {"posts": [current]}}]})
        assert isinstance(entry, Reading)
        assert bool(entry.held_because) is is_held


def test_a_post_with_a_date_of_publication_in_the_future_is_withheld(read: Read, hook: dict[str, Any]) -> None:
    hook["post"]["current"]["published_at"] = "2050-01-01T00:00:00.000Z"

    reading = read(hook)

    assert reading.held_because == "has a date of publication in the future"
    assert reading.article.version_created == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def test_a_webhook_about_a_deleted_post_kills_its_article(read: Read, hook: dict[str, Any]) -> None:
    reading = read({"post": {"current": {}, "previous": hook["post"]["current"]}})

    assert reading.article.status is Status.CANCELED
    assert reading.article.source_id == "11111111-0000-4000-8000-000000000001"


def test_a_webhook_about_a_page_is_refused(refuse: Refuse, hook: dict[str, Any]) -> None:
    assert refuse({"page": hook["post"]}).detail.endswith("is a page of the site, not an article")


@pytest.mark.parametrize("value", ["soon", 10**13, -(10**13), "9999-12-31T23:59:59-05:00x", {}])
def test_a_hidden_post_with_an_unreadable_time_is_withheld(read: Read, hook: dict[str, Any], value: object) -> None:
    hook["post"]["current"] |= {"status": "draft", "published_at": value, "updated_at": "soon"}

    reading = read(hook)

    assert reading.article.status is Status.WITHHELD
    dropped = {each.pointer: each.reason for each in reading.report.dropped}
    assert dropped["/post/current/updated_at"].endswith("the removal is accepted without it")


@pytest.mark.parametrize(
    "rest",
    ['<p title="unfinished>The rest of the text.</p>', "<div>" * 300 + "The rest of the text." + "</div>" * 300],
)
def test_a_card_before_markup_that_is_hostile_to_parsers_hides_no_text(
    refuse: Refuse, hook: dict[str, Any], rest: str
) -> None:
    card = '<figure class="kg-card kg-bookmark-card"><a href="https://a.example/">A</a></figure>'
    hook["post"]["current"]["html"] = f"<p>The beginning.</p>{card}{rest}"

    assert [fault.pointer for fault in refuse(hook).faults] == ["/post/current/html"]


def test_an_unreadable_time_refuses_the_post(refuse: Refuse, hook: dict[str, Any]) -> None:
    hook["post"]["current"]["updated_at"] = "yesterday"

    assert [fault.pointer for fault in refuse(hook).faults] == ["/post/current/updated_at"]


def test_a_post_of_the_older_editor_alone_is_read(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[6]

    assert isinstance(reading, Reading)
    assert reading.article.first_published == datetime(2026, 4, 2, 6, 10, tzinfo=UTC)
    assert reading.article.body.split("\n")[:3] == [
        "<h2>Head</h2>",
        '<p>See <a href="https://other.example/">this</a><em> &amp; more</em></p>',
        "<ul><li>one</li><li>two</li></ul>",
    ]
    assert "<p>Words of a card</p>" in reading.article.body
    assert "1 cards of type gallery were left out of the body" in reading.report.warnings


def test_a_post_of_the_newer_editor_alone_is_read(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[7]

    assert isinstance(reading, Reading)
    assert reading.article.body.split("\n") == [
        "<h2>Head</h2>",
        '<p><strong>Bold &lt;b&gt;</strong><br><a href="https://other.example/">this</a></p>',
        "<ul><li>one</li></ul>",
        '<oembed url="https://video.example/1"></oembed>',
    ]
    assert "1 cards of type product were left out of the body" in reading.report.warnings


def test_a_published_post_without_a_text_is_refused(refuse: Refuse, hook: dict[str, Any]) -> None:
    hook["post"]["current"]["html"] = None

    assert "/post/current/html" in [fault.pointer for fault in refuse(hook).faults]


def test_a_file_for_the_importer_is_read(read_all: ReadAll) -> None:
    post: dict[str, Any] = {
        "title": "A",
        "slug": "a",
        "html": "<p>A.</p>",
        "status": "published",
        "tags": [{"data": {"name": "World"}}],
    }
    post |= {"published_at": "2018-08-11T11:23:34.123Z", "author": {"url": "x", "data": {"name": "Jo Sample"}}}

    (reading,) = read_all({"posts": [{"url": "https://old.example/a/b", "data": post}]})

    assert isinstance(reading, Reading)
    assert reading.article.source_id == "https://old.example/a/b"
    assert reading.article.old_addresses == ("/a/b",)
    assert reading.article.section == "world"
    assert reading.article.authors[0].name == "Jo Sample"


def test_a_deeply_nested_text_is_refused_or_read(read: Read, refuse: Refuse, hook: dict[str, Any]) -> None:
    node: dict[str, Any] = {"type": "text", "text": "deep"}
    for _ in range(60):
        node = {"type": "list", "children": [{"type": "listitem", "children": [node]}]}
    lexical = json.dumps({"root": {"children": [{"type": "paragraph", "children": [{"text": "Top"}]}, node]}})
    hook["post"]["current"] |= {"html": None, "lexical": lexical}

    assert read(hook).article.body.startswith("<p>Top</p>")
    hook["post"]["current"]["lexical"] = "[" * 100_000
    assert refuse(hook).code == 422


def test_mutations_of_ghost_are_read_or_refused(context: ReadingContext) -> None:
    assert_survives([EXPORT, WEBHOOK], context, count=200)
