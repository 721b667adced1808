"""WordPress: the export, posts of the REST interface, and hooks' bodies."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.adapters.readers.wordpress.markup import converted
from services.ingest.ports import Reading, ReadingContext, SetAside
from shared.model.article import Article, Status
from tests.unit.ingest.conftest import Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

FIXTURES = Path(__file__).parent / "fixtures" / "wordpress"
EXPORT = (FIXTURES / "export.xml").read_bytes()
REST = (FIXTURES / "rest.json").read_bytes()


@pytest.fixture
def post() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(REST)
    return loaded


@pytest.fixture
def ferry(read_all: ReadAll) -> Reading:
    reading = read_all(EXPORT)[0]
    assert isinstance(reading, Reading)
    return reading


def _articles(read_all: ReadAll) -> list[Article]:
    return [each.article for each in read_all(EXPORT) if isinstance(each, Reading) and not each.held_because]


def test_only_published_posts_of_an_export_become_articles(read_all: ReadAll) -> None:
    entries = read_all(EXPORT, "application/rss+xml")

    aside = [(each.status, each.reason) for each in entries if isinstance(each, SetAside)]
    assert len(entries) == 17
    assert [each.source_id for each in _articles(read_all)] == [
        "https://courier.example/?p=11",
        "https://courier.example/?p=12",
        "https://courier.example/?p=11#13",
    ]
    withheld = [each for each in entries if isinstance(each, Reading) and each.held_because]
    assert len(withheld) + [status for status, _ in aside].count("held") == 9
    assert all(each.article.status is Status.WITHHELD and not each.article.body for each in withheld)
    assert len(withheld) == 3
    assert [status for status, _ in aside].count("media") == 2
    assert [status for status, _ in aside].count("refused") == 3
    assert all(reason for _, reason in aside)


def test_no_hidden_text_and_no_private_data_is_in_an_article(read_all: ReadAll) -> None:
    for article in _articles(read_all):
        text = article.model_dump_json()
        assert "SECRET" not in text
        assert "PRIVATE" not in text
        assert "private@" not in text


def test_comments_and_custom_fields_are_reported_once(ferry: Reading) -> None:
    dropped = {each.pointer: each.reason for each in ferry.report.dropped}

    assert dropped["/rss/channel/item[1]/comment"] == "comments of readers are never published (2)"
    assert dropped["/rss/channel/item[1]/postmeta"] == "custom fields are not used (1)"


def test_the_facts_of_an_exported_post(ferry: Reading) -> None:
    article = ferry.article

    assert ferry.report.format == "wxr-1.2"
    assert article.headline == "Ferry back on time & full"
    assert article.standfirst == "Two passengers were late."
    assert article.first_published == datetime(2026, 5, 2, 6, 10, tzinfo=UTC)
    assert article.version_created == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    assert [author.name for author in article.authors] == ["Ines Marrow"]
    assert article.section == "world"
    assert [topic.name for topic in article.topics] == ["Sea"]
    assert article.keywords == ("Ferries & piers",)
    assert article.language == "en-GB"
    assert article.urgency == 3
    assert article.slug == "ferry-back"
    assert article.old_addresses == ("/2026/05/ferry-back/",)


def test_pictures_keep_caption_credit_and_alternative_text(ferry: Reading) -> None:
    lead, gallery = ferry.article.picture, ferry.article.pictures

    assert lead is not None
    assert (lead.caption, lead.credit, lead.alt) == (
        "The ferry at the pier on Saturday",
        "Jo Sample",
        "A white ferry",
    )
    assert [each.caption for each in gallery] == ["The pier"]
    assert "a gallery names the attachment '99', which the document does not have" in ferry.report.warnings


def test_a_classic_body_gets_paragraphs_and_loses_its_shortcodes(ferry: Reading) -> None:
    body = ferry.article.body

    assert body.startswith("<p>The ferry left at 06:10.<br>\nIt was full.</p>")
    assert "<figcaption>The ferry at the <em>pier</em></figcaption></figure>" in body
    assert '<p>[He] said "it works" [sic].</p>' in body
    assert "<ul>\n<li>one</li>\n\n<li>two</li>\n</ul>" in body
    assert '<oembed url="https://www.youtube.com/watch?v=abcdefghijk"></oembed>' in body
    assert "<p>More of it.Again.</p>" in body
    assert "ad_slot" not in body
    assert "[gallery" not in body
    assert "shortcode [ad_slot] was removed from the body" in ferry.report.warnings


def test_a_body_of_blocks_keeps_its_markup(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[1]

    assert isinstance(reading, Reading)
    assert "<!--" not in reading.article.body
    assert reading.article.body.startswith("<p>First.</p>")
    assert '<oembed url="https://www.youtube.com/watch?v=abcdefghijk"></oembed>' in reading.article.body
    assert "block wp:latest-posts was removed from the body" in reading.report.warnings


def test_a_zero_date_gives_way_to_the_local_one(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[1]

    assert isinstance(reading, Reading)
    assert reading.article.first_published == datetime(2026, 5, 3, 6, 10, tzinfo=UTC)
    assert "the date of publication has no zone; Asia/Kolkata is used" in reading.report.warnings


def test_a_percent_encoded_slug_is_read_and_a_cut_character_is_dropped(read_all: ReadAll) -> None:
    reading = read_all(EXPORT.replace(b"%e0%a5%80-%e0%a4<", b"%e0%a5%80%e0%a4<"))[1]

    assert isinstance(reading, Reading)
    assert reading.article.slug == "नदी"


def test_an_address_without_a_path_becomes_no_redirect(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[1]

    assert isinstance(reading, Reading)
    assert reading.article.old_addresses == ()
    assert any("no redirect leads from it" in warning for warning in reading.report.warnings)


def test_the_address_of_a_section_of_this_site_becomes_no_redirect(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[2]

    assert isinstance(reading, Reading)
    assert reading.article.old_addresses == ()
    assert any("is the address of a page of this site" in warning for warning in reading.report.warnings)


def test_an_author_without_a_name_but_an_e_mail_address_is_left_out(read_all: ReadAll) -> None:
    reading = read_all(EXPORT)[1]

    assert isinstance(reading, Reading)
    assert reading.article.authors == ()


def test_attachments_within_an_item_belong_to_it(read_all: ReadAll) -> None:
    start = EXPORT.index(b"<item>\n\t\t<title>ferry</title>")
    attachments = EXPORT[start : EXPORT.index(b"</channel>")]
    first_end = EXPORT.index(b"</item>")
    part = EXPORT[:first_end] + attachments + b"</item></channel></rss>"

    (reading,) = read_all(part)

    assert isinstance(reading, Reading)
    assert reading.article.picture is not None
    assert reading.article.picture.credit == "Jo Sample"


def test_rss_without_the_export_namespace_is_no_export(read_all: ReadAll) -> None:
    item = b"<item><guid>a</guid><title>A</title><description>Text.</description></item>"
    feed = b"<rss version='2.0'><channel>" + item + b"</channel></rss>"

    assert [each.report.format for each in read_all(feed, "application/rss+xml")] == ["rss-2.0"]


def test_a_post_of_the_rest_interface_equals_the_exported_one(read: Read, ferry: Reading) -> None:
    """The REST form has no language, no old address, no galleries and a rendered body."""
    others = {"body", "language", "old_addresses", "pictures"}

    assert read(REST).article.model_dump(exclude=others) == ferry.article.model_dump(exclude=others)
    assert read(REST).report.format == "wordpress-rest-2"


def test_an_excerpt_that_the_site_made_is_no_standfirst(read: Read, post: dict[str, Any]) -> None:
    post["excerpt"]["rendered"] = "<p>The ferry left at 06:10. It was [&hellip;]</p>\n"

    assert read(post).article.standfirst is None


@pytest.mark.parametrize("status", ["draft", "pending", "private", "trash", "future", "pitch"])
def test_a_live_message_about_a_hidden_post_withholds_its_article(
    read: Read, post: dict[str, Any], status: str
) -> None:
    reading = read(post | {"status": status})

    assert reading.article.status is Status.WITHHELD
    assert reading.held_because
    assert reading.article.body == ""
    assert reading.article.version_created == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def test_a_hidden_post_with_an_unreadable_date_is_withheld(read: Read, post: dict[str, Any]) -> None:
    reading = read(post | {"status": "private", "date_gmt": "soon", "date": "soon"})

    assert reading.article.status is Status.WITHHELD
    dropped = [each.reason for each in reading.report.dropped if each.pointer == "/date_gmt"]
    assert dropped[-1] == "is not a date and time; the removal is accepted without it"


def test_a_post_with_a_password_is_withheld(read: Read, post: dict[str, Any]) -> None:
    post["content"]["protected"] = True

    assert read(post).held_because == "is protected by a password"


def test_a_post_without_a_status_is_refused(refuse: Refuse, post: dict[str, Any]) -> None:
    del post["status"]

    refused = refuse(post)

    assert refused.code == 422
    assert [fault.pointer for fault in refused.faults] == ["/status"]


def test_an_unreadable_date_refuses_the_post(refuse: Refuse, post: dict[str, Any]) -> None:
    post |= {"date_gmt": "soon", "date": "soon"}

    assert {fault.pointer for fault in refuse(post).faults} == {"/date", "/date_gmt"}


def test_a_deleted_post_is_killed(read: Read, post: dict[str, Any]) -> None:
    reading = read({"deleted": True, "previous": post})

    assert reading.article.status is Status.CANCELED
    assert reading.article.source_id == "https://courier.example/?p=11"


def test_a_page_of_the_site_is_refused(refuse: Refuse, post: dict[str, Any]) -> None:
    assert refuse(post | {"type": "page"}).code == 422


def test_a_hook_names_a_post_as_the_database_does(read: Read) -> None:
    inner = {
        "ID": 11,
        "post_title": "Ferry",
        "post_content": "Left.\n\nArrived.",
        "post_status": "publish",
        "post_type": "post",
        "post_name": "ferry",
        "post_date_gmt": "2026-05-02 06:10:00",
        "post_modified_gmt": "2026-06-01 12:00:00",
        "guid": "https://courier.example/?p=11",
    }
    terms = {"category": {"world": {"name": "World", "slug": "world"}}}

    article = read({"post_id": 11, "post": inner, "taxonomies": terms}).article

    assert article.body == "<p>Left.</p>\n<p>Arrived.</p>"
    assert article.section == "world"
    assert article.source_id == "https://courier.example/?p=11"


def test_a_list_of_posts_is_a_snapshot(read_all: ReadAll, post: dict[str, Any]) -> None:
    draft = post | {"id": 12, "guid": {"rendered": "https://courier.example/?p=12"}, "status": "draft"}

    first, second = read_all([post, draft])

    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert (second.article.status, second.held_because) == (Status.WITHHELD, "is a draft")


@pytest.mark.parametrize("missing", ["date", "guid"])
def test_a_hidden_item_of_an_export_without_a_date_or_an_id_is_set_aside(
    read_all: ReadAll, post: dict[str, Any], missing: str
) -> None:
    absent = {"date": ("date", "date_gmt", "modified", "modified_gmt"), "guid": ("guid", "link")}[missing]
    draft = {name: value for name, value in post.items() if name not in absent} | {"status": "draft"}

    _, second = read_all([post, draft])

    assert isinstance(second, SetAside)
    assert (second.status, second.reason) == ("held", "is a draft")


@pytest.mark.parametrize(
    "part",
    [
        "[members_only]SECRET[/members_only]",
        "[private]SECRET[/private]",
        "[private]SECRET [private]SECRET[/private] SECRET[/private]",
        '[restrict userlevel="editor"]<p>SECRET</p>[/restrict]',
        "[mepr-active membership='7']SECRET[/mepr-active]",
        '[membership level="2"]SECRET[/membership]',
        "[Subscribers-Only]SECRET[/subscribers-only]",
        "[wcm_restrict plans='gold']SECRET[/wcm_restrict]",
        "[is_paying_member_only]SECRET[/is_paying_member_only]",
        "[s2If current_user_can(access_s2member_level1)]SECRET[/s2If]",
        (
            "<!-- wp:shortcode -->[paywall]<!-- /wp:shortcode -->"
            "<p>SECRET</p><!-- wp:shortcode -->[/paywall]<!-- /wp:shortcode -->"
        ),
        (
            "<!-- wp:premium-content/container --><p>SECRET</p>"
            "<!-- wp:premium-content/logged-out-view --><p>SECRET</p>"
            "<!-- /wp:premium-content/logged-out-view --><p>SECRET</p><!-- /wp:premium-content/container -->"
        ),
        (
            '<!-- wp:jetpack/premium-content {"a":1} --><p>SECRET</p><!-- wp:jetpack/premium-content --><p>SECRET</p>'
            "<!-- /wp:jetpack/premium-content --><p>SECRET</p><!-- /wp:jetpack/premium-content -->"
        ),
        (
            "<!--wp:woocommerce-memberships/member-content-->"
            "<p>SECRET</p><!--/wp:woocommerce-memberships/member-content-->"
        ),
    ],
)
def test_a_part_for_members_is_cut_and_reported(read: Read, post: dict[str, Any], part: str) -> None:
    post |= {"post_content": f"<p>Before.</p>\n\n{part}\n\n<p>After.</p>", "post_status": "publish"}
    del post["content"]

    reading = read(post | {"ID": 11, "post_type": "post"})

    assert "SECRET" not in reading.article.model_dump_json()
    assert "Before." in reading.article.body
    assert "After." in reading.article.body
    dropped = {each.pointer: each.reason for each in reading.report.dropped}
    assert dropped["/post_content"].startswith("a part is for members only: ")


@pytest.mark.parametrize(
    "mark",
    [
        "<!-- wp:jetpack/paywall /-->",
        "<!-- wp:jetpack/paywall -->",
        "<!-- wp:premium-content/container -->",
        "[paywall]",
        "[members_only]",
        '[restrict level="1"]',
    ],
)
def test_a_part_for_members_without_an_end_goes_on_to_the_end_of_the_text(mark: str) -> None:
    found = converted(f"<p>Before.</p>\n{mark}\n<p>SECRET</p>")

    assert found.html == "<p>Before.</p>"
    assert sum(found.restricted.values()) == 1


@pytest.mark.parametrize(
    "body",
    [
        "The [private] owner and [members] of the [paywall] club met.",
        "<p>Join.</p>[mepr-login-form]<p>Come.</p>",
        '<p>Join.</p>[pmpro_checkout_button level="1"]<p>Come.</p>',
        "<!-- wp:acme/team-members --><p>Ada</p><!-- /wp:acme/team-members -->",
        "<!-- wp:jetpack/subscriptions /--><p>Ada</p>",
        "[[members_only]] is a code",
    ],
)
def test_prose_and_forms_are_no_parts_for_members(body: str) -> None:
    assert not converted(body).restricted


def test_a_post_that_is_for_members_only_as_a_whole_is_withheld(read: Read, post: dict[str, Any]) -> None:
    post["content"]["rendered"] = "[members_only]<p>SECRET</p>[/members_only]"

    reading = read(post)

    assert (reading.article.status, reading.held_because) == (Status.WITHHELD, "is for members only")


@pytest.mark.parametrize(
    ("name", "value", "is_held"),
    [
        ("_jetpack_newsletter_access", "subscribers", True),
        ("_jetpack_newsletter_access", "everybody", False),
        ("_jetpack_newsletter_access", "", False),
        ("_members_access_role", "subscriber", True),
        ("_members_access_role", ["", "editor"], True),
        ("rcp_user_level", "None", False),
        ("um_content_restriction", 'a:1:{s:14:"_um_accessible";s:1:"2";}', True),
        ("um_content_restriction", 'a:1:{s:14:"_um_accessible";s:1:"0";}', False),
    ],
)
def test_a_custom_field_that_restricts_the_readers_withholds_the_post(
    read: Read, read_all: ReadAll, post: dict[str, Any], name: str, value: object, *, is_held: bool
) -> None:
    assert bool(read(post | {"meta": {name: value}}).held_because) is is_held

    text = value[-1] if isinstance(value, list) else value
    meta = (
        f"<wp:postmeta><wp:meta_key>{name}</wp:meta_key><wp:meta_value><![CDATA[{text}]]></wp:meta_value></wp:postmeta>"
    )
    entry = read_all(EXPORT.replace(b"</item>", meta.encode() + b"</item>", 1))[0]
    assert isinstance(entry, Reading)
    assert bool(entry.held_because) is is_held


def test_a_guid_that_is_sent_twice_gives_a_warning(read_all: ReadAll) -> None:
    copies = [
        each
        for each in read_all(EXPORT)
        if isinstance(each, Reading) and any("the same guid" in warning for warning in each.report.warnings)
    ]

    assert [each.article.source_id for each in copies] == ["https://courier.example/?p=11#13"]


def test_a_login_name_is_no_byline(read_all: ReadAll) -> None:
    start = EXPORT.index(b"<dc:creator>")
    end = EXPORT.index(b"</dc:creator>")

    reading = read_all(EXPORT[:start] + b"<dc:creator>asha" + EXPORT[end:])[0]

    assert isinstance(reading, Reading)
    assert reading.article.authors == ()
    reasons = {each.pointer: each.reason for each in reading.report.dropped}
    assert reasons["/rss/channel/item[1]/creator"] == "is a login name without an author's name"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("[[gallery]] is a code", "<p>[gallery] is a code</p>"),
        ("[embed]https://vimeo.com/1[/embed]", '<oembed url="https://vimeo.com/1"></oembed>'),
        ('[video mp4="https://a.example/v.mp4"][/video]', '<video src="https://a.example/v.mp4"></video>'),
        ("[youtube=https://youtu.be/abc]", '<oembed url="https://youtu.be/abc"></oembed>'),
        ("[vimeo 12345]", '<oembed url="https://vimeo.com/12345"></oembed>'),
        ("https://courier.example/a", '<p><a href="https://courier.example/a">https://courier.example/a</a></p>'),
        ("<p>a\nb</p>", "<p>a<br>\nb</p>"),
        ("<pre>a\n\nb</pre>", "<pre>a\n\nb</pre>"),
        ("<blockquote>a\n\nb</blockquote>", "<blockquote>\n<p>a</p>\n<p>b</p>\n</blockquote>"),
        ("[1] [sic] [x", "<p>[1] [sic] [x</p>"),
        ('[caption width="9"]<img src="a.jpg"> Words[/caption]', '<figure><img src="a.jpg"><figcaption>Words'),
        ("[caption]never closed", "<p>[caption]never closed</p>"),
        ("a<!-- never closed", "<p>a<!-- never closed</p>"),
    ],
)
def test_a_stored_body_becomes_html(body: str, html: str) -> None:
    assert converted(body).html.startswith(html)


@pytest.mark.parametrize(
    "part",
    [
        "[gallery]",
        "[a b=c]",
        "[[",
        "<!--",
        "[caption]",
        "[/x]",
        "<p>\n",
        " \n",
        "https://a.b\n",
        "[youtube x]",
        " ",
        "[private]",
        "[/members]",
        "<!-- wp:members ",
        "<!-- wp:members -->",
        "[a_b x",
    ],
)
def test_a_hostile_body_is_converted_in_under_a_second(part: str) -> None:
    body = part * (400_000 // len(part)) + "[/gallery][/caption][/youtube]"

    started = time.process_time()
    found = converted(body)

    assert time.process_time() - started < 1.0
    assert len(found.html) < 20 * len(body)


def test_mutations_of_wordpress_are_read_or_refused(context: ReadingContext) -> None:
    assert_survives([EXPORT, REST], context, count=200)
