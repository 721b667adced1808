"""ANS 0.10: a story becomes an article; drafts, restricted stories and removed stories never become public."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.adapters.readers.ans.about import FORMAT
from services.ingest.ports import Reading, ReadingContext, SetAside
from shared.model.article import Status
from tests.unit.ingest.conftest import Read, ReadAll, Refuse
from tests.unit.ingest.fuzzing import assert_survives

STORY = (Path(__file__).parent / "fixtures" / "ans" / "story.json").read_bytes()
Ans = dict[str, Any]


@pytest.fixture
def story() -> Ans:
    found: Ans = json.loads(STORY)
    return found


@pytest.fixture
def short() -> Ans:
    return {
        "_id": "A1",
        "type": "story",
        "version": "0.10.12",
        "last_updated_date": "2026-11-22T05:00:00Z",
        "headlines": {"basic": "Bridge opens"},
        "content_elements": [{"type": "text", "content": "It is open."}],
    }


def _dropped(reading: Reading) -> dict[str, str]:
    return {each.pointer: each.reason for each in reading.report.dropped}


def test_the_example_of_the_documentation_is_read(read: Read) -> None:
    reading = read(FORMAT.example.encode())

    assert reading.report.format == "ans-0.10.12"
    assert reading.article.body.count("<p>") == 2


def test_the_fields_of_a_story_become_those_of_an_article(read: Read, story: Ans) -> None:
    article = read(story).article

    assert article.source_id == "FERRYSTORY0001"
    assert article.version is None
    assert article.version_created == datetime(2026, 11, 22, 5, 0, 0, 250_000, UTC)
    assert article.first_created == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert article.first_published == datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
    assert article.embargo_until is None
    assert article.status is Status.USABLE
    assert (article.headline, article.kicker) == ("Night ferry returns to port", "At sea")
    assert article.standfirst == "All passengers are safe & well."
    assert (article.language, article.dateline, article.section) == ("en-GB", "Port Almina", "world")
    assert [(each.name, each.role) for each in article.authors] == [
        ("Meera Tendulkar", None),
        ("Ilse Marran", "photos by"),
    ]
    assert article.keywords == ("Ferries", "harbour", "night ferry")
    assert [(each.name, each.kind) for each in article.entities] == [("Almina", "place")]
    assert article.slug == "night-ferry-returns-to-port"
    assert article.canonical_url is None
    assert article.rights is not None
    assert (article.rights.holder, article.rights.notice) == ("Coast Wire", "Copyright 2026 Harbour News")
    assert [(each.title, each.url) for each in article.related] == [("Ferry lost", "https://hn.example/first")]


def test_each_kind_of_content_element_has_its_form_in_the_body(read: Read, story: Ans) -> None:
    body = read(story).article.body

    assert body.split("\n") == [
        "<p>The ferry <b>Almina</b> came back at dawn.</p>",
        "<h2>On board</h2>",
        '<figure><img src="https://img.example/deck.jpg" alt=""><figcaption>The deck</figcaption></figure>',
        "<ol><li>Cars<ul><li>red</li></ul></li><li>Bicycles</li></ol>",
        (
            "<table><thead><tr><th>Port</th><th>Time</th></tr></thead>"
            "<tbody><tr><td>Almina</td><td></td></tr><tr><td>Coast &amp; Co</td><td>7</td></tr></tbody></table>"
        ),
        "<blockquote><p>We saw the light.</p><p><cite>A passenger</cite></p></blockquote>",
        "<blockquote><p>Old words</p></blockquote>",
        '<iframe src="https://maps.example/route"></iframe>',
        '<blockquote class="twitter-tweet"><p>Home!</p></blockquote>',
        '<oembed url="https://social.example/p/1"></oembed>',
        '<p><a href="https://hn.example/more">More on ferries</a></p>',
        (
            "<p><strong>Read &lt;all&gt;</strong></p>"
            '<ul><li><a href="https://hn.example/one">One</a><p>The first.</p></li></ul>'
        ),
        "<hr>",
        "<p>Grouped.</p>",
        "<p><strong>4.5/5 stars</strong></p>",
        "<p><strong>Recommended</strong></p>",
        "<pre><code>if a &lt; b:",
        "    go()</code></pre>",
        '<video src="https://v.example/f.mp4" title="Ferry film"></video>',
        '<figure><img src="https://img.example/g1.jpg" alt=""><figcaption>Gallery one</figcaption></figure>',
    ]


def test_each_element_that_is_left_out_is_reported(read: Read, story: Ans) -> None:
    reading = read(story)
    dropped = _dropped(reading)

    assert dropped["/content_elements/10"] == "is a reference that is not inflated"
    assert "custom embed" in dropped["/content_elements/11"]
    assert "variants" in dropped["/content_elements/22"]
    assert dropped["/content_elements/23"] == "is of the unknown kind 'hologram'"
    assert "other channels" in dropped["/content_elements/24"]
    assert dropped["/content_elements/0/additional_properties/comments"] == "comments are never published"
    assert dropped["/credits/by/1"] == "is a reference that is not inflated"
    assert dropped["/promo_items/second"] == "is a reference that is not inflated"
    assert any("hologram" in warning for warning in reading.report.warnings)


def test_notes_and_names_of_staff_are_never_in_the_article(read: Read, story: Ans) -> None:
    reading = read(story)
    text = reading.article.model_dump_json()

    for private in (
        "night.editor",
        "Night Editor",
        "harbour master",
        "before noon",
        "is this true",
        "desk@",
        "Quay Road",
    ):
        assert private not in text
    assert {"/contributors", "/planning", "/workflow"} <= _dropped(reading).keys()


def test_corrections_and_the_editors_note_become_the_public_note_each_once(read: Read, story: Ans) -> None:
    note = read(story).article.correction_note

    assert note == "The ferry carries 90 cars, not 900. This page is updated through the night."


def test_the_lead_picture_is_the_promotion_and_body_pictures_follow(read: Read, story: Ans) -> None:
    article = read(story).article

    assert article.picture is not None
    assert article.picture.caption == "The Almina at dawn"
    assert article.picture.credit == "Ilse Marran, Coast Wire"
    assert article.picture.alt == "A white ferry"
    assert [each.caption for each in article.pictures] == ["The deck", "Gallery one"]


def test_a_picture_in_the_body_is_not_repeated_if_it_is_the_lead(read: Read, story: Ans) -> None:
    story["content_elements"][2]["url"] = story["promo_items"]["basic"]["url"]

    assert [each.caption for each in read(story).article.pictures] == ["Gallery one"]


def test_vanity_credits_win_as_byline_and_the_credits_stay_the_authors(read: Read, story: Ans) -> None:
    story["vanity_credits"] = {"by": [{"type": "author", "name": "Meera Tendulkar wrote this for Harbour News."}]}

    article = read(story).article

    assert article.byline == "Meera Tendulkar wrote this for Harbour News."
    assert article.authors[0].name == "Meera Tendulkar"


def test_an_active_embargo_with_an_end_is_kept(read: Read, short: Ans) -> None:
    short["content_restrictions"] = {"embargo": {"active": True, "end_time": "2026-11-23T06:00:00+01:00"}}

    article = read(short).article

    assert article.status is Status.USABLE
    assert article.embargo_until == datetime(2026, 11, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("restrictions", "reason"),
    [
        ({"embargo": {"active": True}}, "embargo has no end"),
        ({"embargo": {"active": "true"}}, "embargo has no end"),
        ({"embargo": True}, "embargo has no end"),
        ({"content_code": "premium"}, "premium"),
        ({"content_code": "Subscribers"}, "subscribers"),
        ({"content_code": 3}, "3"),
        ({"geo": {"restrictions": [{"restriction_id": "x"}]}}, "regions"),
        ("none", "cannot be read"),
    ],
)
def test_a_restricted_story_is_withheld_with_the_reason(
    read: Read, short: Ans, restrictions: object, reason: str
) -> None:
    short["content_restrictions"] = restrictions

    reading = read(short)

    assert reading.article.status is Status.WITHHELD
    assert reason in reading.held_because
    assert reading.article.body == ""


@pytest.mark.parametrize("code", ["", "free", "green", "default", "metered"])
def test_a_story_with_a_free_content_code_is_public(read: Read, short: Ans, code: str) -> None:
    short["content_restrictions"] = {"content_code": code, "embargo": {"active": False}}

    assert read(short).article.status is Status.USABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": {"published": False}},
        {"revision": {"published": "yes"}},
        {"publishing": {"has_published_edition": False}},
        {"publishing": {"has_published_edition": True, "editions": {"default": {"edition_published": False}}}},
        {"status": "draft"},
        {"status": "working"},
        {"workflow": {"status_code": 2}},
    ],
)
def test_a_draft_is_withheld(read: Read, short: Ans, changes: Ans) -> None:
    reading = read(short | changes)

    assert reading.article.status is Status.WITHHELD
    assert reading.held_because


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "published"},
        {"status": "C", "revision": {"published": True}},
        {"workflow": {"status_code": 1}, "publish_date": "2026-11-22T05:00:00Z"},
        {"revision": {"published": True}, "workflow": {"status_code": 1}},
    ],
)
def test_a_published_story_is_usable(read: Read, short: Ans, changes: Ans) -> None:
    assert read(short | changes).article.status is Status.USABLE


def test_a_killed_story_is_canceled_and_its_text_is_not_read(read: Read, short: Ans) -> None:
    article = read(short | {"status": "canceled"}).article

    assert article.status is Status.CANCELED
    assert article.body == ""


def test_a_publication_in_the_future_is_an_embargo(read: Read, short: Ans) -> None:
    short["publish_date"] = "2026-11-30T05:00:00Z"

    assert read(short).article.embargo_until == datetime(2026, 11, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"content_restrictions": {"embargo": {"active": True, "end_time": "soon"}}},
         "/content_restrictions/embargo/end_time"),
        ({"content_restrictions": {"embargo": {"active": True, "end_time": "2026-11-23T06:00:00"}}},
         "/content_restrictions/embargo/end_time"),
        ({"content_restrictions": {"embargo": {"active": True, "end_time": "0001-01-01T00:00:00"}}},
         "/content_restrictions/embargo/end_time"),
        ({"additional_properties": {"embargo_until": "2027-01-01"}}, "/additional_properties/embargo_until"),
        ({"embargoed": "2027-01-01T00:00:00Z"}, "/embargoed"),
        ({"last_updated_date": "yesterday"}, "/last_updated_date"),
        ({"_id": ""}, "/_id"),
        ({"content_elements": []}, "/content_elements"),
    ],
)  # fmt: skip
def test_a_fault_in_identity_time_or_embargo_refuses_the_story(
    refuse: Refuse, short: Ans, changes: Ans, where: str
) -> None:
    refused = refuse(short | changes)

    assert refused.code == 422
    assert where in [fault.pointer for fault in refused.faults]


@pytest.mark.parametrize("kind", ["gallery", "image", "video", "audio"])
def test_media_on_their_own_are_set_aside_as_media(read_all: ReadAll, kind: str) -> None:
    (entry,) = read_all({"_id": "M1", "type": kind, "version": "0.10.12", "url": "https://img.example/a.jpg"})

    assert isinstance(entry, SetAside)
    assert (entry.status, entry.name) == ("media", "M1")


@pytest.mark.parametrize("kind", ["redirect", "collection", "author", "section", "restricted", "reference"])
def test_an_item_that_is_no_article_is_refused(refuse: Refuse, kind: str) -> None:
    refused = refuse({"_id": "M1", "type": kind, "version": "0.10.12"})

    assert refused.code == 422
    assert "article" in refused.detail or "arrives separately" in refused.detail or "no text" in refused.detail


@pytest.mark.parametrize(
    ("envelope", "status"),
    [
        ({"type": "content-operation", "operation": "insert-story", "published": True}, Status.USABLE),
        ({"type": "content-operation", "operation": "insert-story", "published": False}, Status.WITHHELD),
        ({"type": "content-operation", "operation": "delete-story"}, Status.WITHHELD),
        ({"type": "story_operation", "operation": "publish_edition"}, Status.USABLE),
        ({"type": "story_operation", "operation": "unpublish_edition", "editions": ["default"]}, Status.WITHHELD),
        ({"type": "story_operation", "operation": "unpublish_edition", "editions": ["print"]}, Status.USABLE),
        ({"key": "story:first-publish", "version": 2, "time": 1_795_324_000}, Status.USABLE),
        ({"key": "story:unpublish", "version": 2, "time": 1_795_324_000}, Status.WITHHELD),
        ({"key": "story:delete", "version": 2}, Status.WITHHELD),
    ],
)
def test_an_operation_or_event_decides_the_status(read: Read, short: Ans, envelope: Ans, status: Status) -> None:
    article = read(envelope | {"body": short}).article

    assert article.status is status
    assert article.source_id == "A1"


def test_an_operation_without_a_story_removes_by_id_and_is_ordered_by_its_time(read: Read) -> None:
    operation = {"type": "story_operation", "operation": "delete", "story_id": "A1", "date": "2026-11-22T06:00:00Z"}

    article = read(operation).article

    assert (article.source_id, article.status) == ("A1", Status.WITHHELD)
    assert article.version_created == datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_an_event_is_ordered_by_its_own_time_if_that_is_later(read: Read, short: Ans) -> None:
    event = {"key": "story:unpublish", "time": 1_795_327_200, "body": short}

    assert read(event).article.version_created == datetime.fromtimestamp(1_795_327_200, UTC)


def test_each_story_of_search_results_is_an_entry_and_drafts_are_held(read_all: ReadAll, short: Ans) -> None:
    draft = short | {"_id": "A2", "revision": {"published": False}}
    faulty = short | {"_id": "A3", "last_updated_date": "?"}

    entries = read_all(
        {"type": "results", "version": "0.10.12", "content_elements": [short, draft, {"type": "image"}, faulty]}
    )

    assert isinstance(entries[0], Reading)
    assert [each.status for each in entries[1:] if isinstance(each, SetAside)] == ["held", "media", "refused"]


def test_a_story_without_its_own_times_is_read(read: Read, short: Ans) -> None:
    del short["last_updated_date"]

    assert read(short).article.version_created is None


@pytest.mark.parametrize(
    ("first", "published", "expected"),
    [
        (None, "2026-11-21T05:00:00Z", datetime(2026, 11, 21, 5, tzinfo=UTC)),
        ("2026-11-20T05:00:00Z", "2026-11-21T05:00:00Z", datetime(2026, 11, 20, 5, tzinfo=UTC)),
        ("soon", "2026-11-21T05:00:00Z", None),
        ("2026-11-30T05:00:00Z", None, None),
    ],
)
def test_the_first_publication_dates_a_story_unless_it_is_unreadable_or_in_the_future(
    read: Read, short: Ans, first: str | None, published: str | None, expected: datetime | None
) -> None:
    assert read(short | {"first_publish_date": first, "publish_date": published}).article.first_published == expected


def test_advertising_without_a_label_is_marked(read: Read, short: Ans) -> None:
    reading = read(short | {"owner": {"sponsored": True}})

    assert reading.article.kicker == "Sponsored"
    assert any("advertising" in warning for warning in reading.report.warnings)


def test_deeply_nested_elements_end_with_a_report(read: Read, short: Ans) -> None:
    element: Ans = {"type": "text", "content": "inside"}
    for _ in range(60):
        element = {"type": "element_group", "content_elements": [element]}
    short["content_elements"].append(element)

    reading = read(short)

    assert "inside" not in reading.article.body
    assert any("deeply nested" in reason for reason in _dropped(reading).values())


def test_mutated_stories_are_read_or_refused(context: ReadingContext, short: Ans) -> None:
    results = {"type": "results", "version": "0.10.12", "content_elements": [short, short | {"_id": "A2"}]}
    event = {"key": "story:publish", "version": 2, "time": 1_795_324_000, "body": short}

    assert_survives([STORY, json.dumps(results).encode(), json.dumps(event).encode()], context)
