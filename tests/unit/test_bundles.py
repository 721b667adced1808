"""Bundles of rendered pages: in a message, under a key, truncated or too large."""

from __future__ import annotations

import os
import zlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.messaging import page_bundle
from shared.messaging.messages import ArticleRevision, PagesRendered
from shared.messaging.page_bundle import ArticlePage, bundle_fields, bundled, delete_old_bundles, read_bundle, unbundled
from shared.model.card import Card
from shared.runtime.errors import ObjectMissingError, PermanentError
from shared.storage.memory import MemoryObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PAGE = ArticlePage(
    path="a",
    order="1",
    sha256="0" * 64,
    theme="epn-1",
    made_by="render/1",
    made_for="a test",
    made_at=NOON,
    article="a",
    revision="1",
    revisions_seen=1,
    card=Card(article="a", path="a", headline="A", section="news", created_at=NOON),
)
BODIES = [b"<p>One.</p>", b"", b"<p>\x78\x01\xc3\xa9</p>" * 100]


def a_message(pages: list[tuple[ArticlePage, bytes]], content: MemoryObjectStorage) -> PagesRendered:
    articles = tuple(ArticleRevision(article=page.article, revision="1") for page, _ in pages)
    return PagesRendered(message_id=UUID(int=1), site="epn", articles=articles, **bundle_fields(pages, content, NOON))


def test_a_bundle_gives_its_pages_back() -> None:
    pages = [(PAGE.model_copy(update={"path": f"{number}"}), body) for number, body in enumerate(BODIES)]

    assert list(unbundled(bundled(pages), ArticlePage)) == pages
    assert list(unbundled(bundled([]), ArticlePage)) == []


def test_a_truncated_or_too_large_bundle_is_a_permanent_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundled([(PAGE, body) for body in BODIES])
    with pytest.raises(PermanentError, match="truncated"):
        list(unbundled(bundle[:-8], ArticlePage))

    monkeypatch.setattr(page_bundle, "MAX_BUNDLE_BYTES", 64)
    with pytest.raises(PermanentError, match="larger than 64 bytes"):
        list(unbundled(zlib.compress(b"x" * 1000, level=1), ArticlePage))


def test_a_small_bundle_is_in_its_message_and_a_large_one_under_a_key() -> None:
    content = MemoryObjectStorage()
    small, large = [(PAGE, b"<p>One.</p>")], [(PAGE, os.urandom(300_000))]

    for pages, stored in ((small, 0), (large, 1)):
        message = PagesRendered.model_validate_json(a_message(pages, content).model_dump_json())
        assert list(read_bundle(message, ArticlePage, content)) == pages
        assert len(list(content.list_keys("rendered/"))) == stored


def test_a_stored_bundle_is_deleted_by_age_alone() -> None:
    content = MemoryObjectStorage()
    message = a_message([(PAGE, os.urandom(300_000))], content)

    delete_old_bundles(content, NOON + timedelta(hours=23))
    assert list(read_bundle(message, ArticlePage, content))
    delete_old_bundles(content, NOON + timedelta(hours=25))

    with pytest.raises(ObjectMissingError):
        read_bundle(message, ArticlePage, content)
