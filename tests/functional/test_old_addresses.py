"""Addresses of the newsroom's former system: an import makes redirects of them, and a kill takes them down too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.ingest.domain.accepted import Accepted
from services.ingest.handler import accept
from services.ingest.ports import SubmissionMetadata
from shared.reconcile.ownership import is_claimed
from shared.site.keys import url_path
from tests.functional.conftest import Pipeline

OLD = "2013/07/29/ferry-back/index.html"
_PART = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel><link>https://courier.example</link><item>
<title>{title}</title><link>https://courier.example{old}</link><guid>https://courier.example/?p={number}</guid>
<content:encoded>The ferry left.</content:encoded><wp:post_id>{number}</wp:post_id>
<wp:post_date_gmt>2013-07-29 06:10:00</wp:post_date_gmt><wp:post_modified_gmt>{modified}</wp:post_modified_gmt>
<wp:status>{status}</wp:status><wp:post_type>post</wp:post_type></item></channel></rss>"""


def post_part(
    pipeline: Pipeline,
    *,
    number: int = 1,
    old: str = "/2013/07/29/ferry-back/",
    modified: str = "2014-01-01 00:00:00",
) -> Accepted:
    pipeline.now += timedelta(milliseconds=1)
    part = _PART.format(title=f"Ferry {number}", old=old, number=number, modified=modified, status="publish")
    metadata = SubmissionMetadata(
        content_type="application/json",  # as a line of a batch
        site=pipeline.site,
        feed=pipeline.site.feeds[0],
        received_at=pipeline.now,
        may_take_down=False,
    )
    return accept(part.encode(), metadata, pipeline.ingest_deps)


def test_an_imported_article_is_dated_by_its_publication_and_its_old_address_redirects(pipeline: Pipeline) -> None:
    accepted = post_part(pipeline)
    pipeline.tick()

    path = pipeline.record(accepted.article).path or ""
    assert "/2013/07/29/" in path
    assert pipeline.status_at(path) == "200"
    assert pipeline.status_at(OLD) == "301"
    assert pipeline.public.get(OLD).head.metadata["location"] == url_path(path)
    assert "archive/2013/07/29/index.html" in pipeline.site_bytes()
    assert is_claimed(OLD, accepted.article, pipeline.publish_deps)


def test_a_kill_answers_410_at_the_old_address_and_a_restore_redirects_again(pipeline: Pipeline) -> None:
    accepted = post_part(pipeline)
    pipeline.tick()

    pipeline.act("kill", accepted.article)
    pipeline.tick()
    after_kill = pipeline.status_at(OLD)
    pipeline.act("restore", accepted.article)
    pipeline.tick()

    assert after_kill == "410"
    assert pipeline.status_at(OLD) == "301"


def test_a_kill_before_the_page_is_put_answers_410_at_the_old_address(pipeline: Pipeline) -> None:
    accepted = post_part(pipeline)
    pipeline.act("kill", accepted.article)
    pipeline.tick()

    assert pipeline.status_at(OLD) == "410"


def test_a_later_revision_adds_its_old_address(pipeline: Pipeline) -> None:
    post_part(pipeline)
    pipeline.tick()
    post_part(pipeline, old="/2014/01/ferry.html", modified="2015-01-01 00:00:00")
    pipeline.tick()

    assert pipeline.status_at(OLD) == "301"
    assert pipeline.status_at("2014/01/ferry.html") == "301"


def test_an_old_address_of_two_articles_stays_with_the_first(pipeline: Pipeline) -> None:
    first = post_part(pipeline)
    pipeline.tick()
    second = post_part(pipeline, number=2)
    pipeline.tick()

    assert pipeline.public.get(OLD).head.metadata["location"] == url_path(pipeline.record(first.article).path or "")
    assert pipeline.status_at(pipeline.record(second.article).path or "") == "200"
    pipeline.act("kill", second.article)
    pipeline.tick()
    assert pipeline.status_at(OLD) == "301"


@pytest.mark.parametrize("old", ["/world/", "/", "/topics/ferry/", "/feed.xml", "/robots.txt", "/a.jpg", "/?p=1"])
def test_an_address_that_the_site_needs_becomes_no_redirect(pipeline: Pipeline, old: str) -> None:
    accepted = post_part(pipeline, old=old)
    pipeline.tick()

    record = pipeline.record(accepted.article)
    assert record.claimed == (record.path,)
    assert any("no redirect leads from it" in warning for warning in accepted.report.warnings)
