"""The time of an article's last change: only visible changes of text and pictures move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.render.domain.updates import corrected_at, updated_at, visible_text
from shared.model.article import Article, Status
from shared.model.revision import Revision, revision_id

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BODY = "<p>The ferry left at dawn.</p>"
PICTURE = {"media": "a" * 64, "caption": "The pier", "credit": "EPN", "alt": "A pier"}


def a_revision(hour: int, **fields: Any) -> Revision:
    stamp = NOON + timedelta(hours=hour)
    values = {"site": "epn", "source": "desk", "source_id": "1", "headline": "Ferry", "section": "world", "body": BODY}
    times = {"language": "en", "version_created": stamp, "picture": PICTURE}
    return Revision(
        article_id="abcdefghijklmnopqrstuvwxyz",
        revision=revision_id(stamp, None),
        status=Status.USABLE,
        accepted_at=NOON,
        raw_sha256="0" * 64,
        raw_key="raw",
        article=Article.model_validate(values | times | fields),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"headline": "Ferry returns"},
        {"kicker": "At sea"},
        {"standfirst": "After nine years."},
        {"byline": "By Ilka Moreau"},
        {"authors": [{"name": "Ilka Moreau"}]},
        {"dateline": "Port Almina"},
        {"correction_note": "An earlier text named another pier."},
        {"body": "<p>The ferry left at noon.</p>"},
        {"body": "<p>The ferry <em>left</em> at dawn.</p>"},
        {"body": f'{BODY}<figure><img src="https://wire.example/1.jpg" alt=""></figure>'},
        {"picture": None},
        {"picture": PICTURE | {"media": "b" * 64}},
        {"picture": PICTURE | {"caption": "The new pier"}},
        {"picture": PICTURE | {"credit": "Almina"}},
        {"picture": PICTURE | {"alt": "A long pier"}},
        {"pictures": [PICTURE]},
        {"embeds": [{"url": "https://video.example/1"}]},
    ],
)
def test_a_change_of_text_or_pictures_is_an_update(fields: dict[str, Any]) -> None:
    assert updated_at([a_revision(0), a_revision(1, **fields), a_revision(2, **fields)]) == NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"keywords": ["ferries"]},
        {"topics": [{"name": "Ferries"}]},
        {"entities": [{"name": "Port Almina"}]},
        {"section": "news"},
        {"urgency": 1},
        {"version": 7},
        {"slug": "ferry-again"},
        {"expires_at": "2030-01-01T00:00:00Z"},
        {"first_created": "2026-10-01T00:00:00Z"},
        {"rights": {"usage_terms": "No resale"}},
        {"picture": PICTURE | {"width": 8, "height": 6, "content_type": "image/png"}},
        {"body": '<p class="lead">The  ferry\nleft at dawn.</p>\n'},
        {"body": "<div><p>The <!-- checked -->ferry left at dawn.</p></div>"},
        {"body": "<P>The ferry left at d&#97;wn."},
        {"body": "The ferry left at dawn."},
    ],
)
def test_an_invisible_change_is_no_update(fields: dict[str, Any]) -> None:
    assert updated_at([a_revision(0), a_revision(1, **fields)]) is None


def test_an_update_has_the_time_of_the_last_revision_with_a_visible_change() -> None:
    corrected = {"body": "<p>The ferry left at noon.</p>"}

    assert updated_at([a_revision(0), a_revision(1), a_revision(2, **corrected), a_revision(3, **corrected)]) == (
        NOON + timedelta(hours=2)
    )
    assert updated_at([a_revision(0), a_revision(1, **corrected), a_revision(2)]) == NOON + timedelta(hours=2)


def test_an_update_under_embargo_is_dated_by_its_end() -> None:
    due = NOON + timedelta(hours=9)

    assert updated_at([a_revision(0), a_revision(1, headline="Ferry returns", embargo_until=due)]) == due


def test_an_update_is_never_before_the_publication() -> None:
    due = NOON + timedelta(hours=9)

    assert updated_at([a_revision(0, embargo_until=due), a_revision(1, headline="Ferry returns")]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<b>a</b>", "<strong>a</strong>"),
        ('<a href="https://wire.example/?from=feed">a</a>', '<a href="https://wire.example/">a</a>'),
        ("<ul><li>a<li>b</ul>", "<ul>\n <li>a</li>\n <li>b</li>\n</ul>"),
        ("<p>e\u0301</p>", "<p>\u00e9</p>"),
        ("a\n\nb", "<p>a</p><p>b</p>"),
    ],
)
def test_bodies_that_look_the_same_are_equal(one: str, other: str) -> None:
    assert visible_text(one) == visible_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a b</p>", "<p>ab</p>"),
        ("<p>a</p><p>b</p>", "<p>a b</p>"),
        ("<b>a</b> <b>b</b>", "<b>a</b><b>b</b>"),
        ("<p>a\u00a0b</p>", "<p>a b</p>"),
        ("<p>&lt;b&gt;a&lt;/b&gt;</p>", "<p><b>a</b></p>"),
        ("<p>a</p>", "<h2>a</h2>"),
        ("<ol><li>a</li></ol>", '<ol start="3"><li>a</li></ol>'),
        ("<pre>a  b</pre>", "<pre>a b</pre>"),
    ],
)
def test_bodies_that_look_different_differ(one: str, other: str) -> None:
    assert visible_text(one) != visible_text(other)


@given(st.text("<>/!-abp\"'= \n&;", max_size=60))
def test_any_body_can_be_compared(body: str) -> None:
    markup = f"<p>{body}"
    assert visible_text(markup) == visible_text(f"<!-- sent again -->{markup}") or "<!" in body or "-->" in body


def test_plain_text_of_many_angle_brackets_is_compared_in_linear_time() -> None:
    body = "<x1 " * 100_000  # the time limit of a test is far below that of a quadratic pattern

    assert visible_text(body) == body.strip()


def test_a_correction_has_the_time_of_the_revision_that_brought_its_note() -> None:
    note, other = {"correction_note": "It was pier 4."}, {"correction_note": "It was pier 5."}
    revisions = [a_revision(0), a_revision(1, **other), a_revision(2, **note), a_revision(3, headline="New", **note)]

    assert corrected_at(revisions) == NOON + timedelta(hours=2)
    assert corrected_at(revisions[:2]) == NOON + timedelta(hours=1)
    assert corrected_at(revisions[:1]) is None
    assert corrected_at([a_revision(0, **note)]) == NOON
    assert corrected_at([]) is None
