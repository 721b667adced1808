"""An import on a real stack: in the end every page leads on to what it should, and was renewed together with others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.settings import StackSettings
from infra.local.stack import embedded_stack
from shared import keys
from shared.index.redis import RedisIndex
from shared.live import LiveRecord, read_record
from shared.storage.s3 import S3ObjectStorage
from tests.e2e.conftest import Newsroom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

_ARTICLES = 300
_PATIENCE_SECONDS = 300.0  # of a busy machine
_FIRST = datetime(2026, 9, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom whose archive has just come in, in no order."""
    settings = StackSettings.in_folder(tmp_path_factory.mktemp("behind"))
    with embedded_stack(settings) as stack:
        built = Newsroom(settings, stack)
        with built.api, built.edge, built.redis:
            numbers = sorted(range(_ARTICLES), key=article_id)
            lines = b"".join(json.dumps(an_article(number)).encode() + b"\n" for number in numbers)
            headers = {"Content-Type": "application/x-ndjson"}
            answer = built.api.post("/v1/batches", content=lines, headers=headers, timeout=_PATIENCE_SECONDS)
            receipts = [reply["receipt"] for reply in map(json.loads, answer.text.splitlines()) if "receipt" in reply]
            assert len(receipts) == _ARTICLES
            built.wait_until_quiet(receipts, _PATIENCE_SECONDS)
            yield built


def article_id(number: int) -> str:
    return keys.article_id("epn", "archive", f"old-{number}")


def an_article(number: int) -> dict[str, object]:
    said = (_FIRST + timedelta(minutes=37 * number)).isoformat()
    return {
        "source": "archive",
        "source_id": f"old-{number}",
        "headline": f"What was told as number {number}",
        "section": ("world", "science")[number % 2],
        "topics": [{"name": f"Topic {number % 7}"}],
        "language": "en",
        "first_created": said,
        "version_created": said,
        "body": f"<p>It was the {number}th of many.</p>",
    }


def records_of(room: Newsroom) -> list[LiveRecord]:
    """Return what is recorded of each article."""
    content = S3ObjectStorage(room.services, room.services.content_bucket)
    return [read_record(content, room.site.id, article_id(number))[0] for number in range(_ARTICLES)]


def test_after_an_import_every_page_leads_on_to_what_it_should(room: Newsroom) -> None:
    index, records = RedisIndex(room.redis), records_of(room)
    public = S3ObjectStorage(room.services, room.services.public_bucket)

    related = index.relate_all(room.site, [record.card for record in records if record.card])

    assert len(related) == _ARTICLES
    assert [
        record.article for record, leads_to in zip(records, related, strict=True) if record.shows != leads_to.shows
    ] == []
    for record, leads_to in zip(records, related, strict=True):
        page = public.get(record.path or "").body.decode()
        assert all(keys.url_path(card.path) in page for card in leads_to.cards)


def test_after_an_import_pages_were_renewed_in_pieces_and_few_of_them_twice(room: Newsroom) -> None:
    said = [json.loads(line) for line in room.folder.log("publish").read_text().splitlines() if line.startswith("{")]
    together = sum(line["changed"] for line in said if line["event"] == "piece.published")
    one_by_one = sum(line["outcome"] == "put" for line in said if line["event"] == "page.published")

    assert together > _ARTICLES / 2
    assert one_by_one + together <= 2.2 * _ARTICLES


def test_after_an_import_no_pages_wait_for_a_publisher(room: Newsroom) -> None:
    content = S3ObjectStorage(room.services, room.services.content_bucket)

    assert list(content.list_keys(keys.behind_prefix(room.site.id))) == []
    assert list(content.list_keys(keys.DEAD_LETTERS_PREFIX)) == []
