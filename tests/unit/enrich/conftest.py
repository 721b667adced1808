"""Shared makers of the tests of enriching."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.model.article import Article, Status
from shared.model.lane import Lane
from shared.model.revision import Revision, revision_id

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_revision(*, body: str = "<p>Text.</p>", n: int = 0, status: Status = Status.USABLE, **fields: Any) -> Revision:
    facts: dict[str, Any] = {
        "site": "epn",
        "source": "desk",
        "source_id": "one",
        "headline": "Harbour bridge reopens",
        "section": "news",
        "language": "en",
        **fields,
    }
    return Revision(
        article_id="a" * 26,
        revision=revision_id(NOON, n),
        status=status,
        lane=Lane.LIVE,
        accepted_at=NOON,
        raw_sha256="0" * 64,
        raw_key="raw/epn/2026/03/01/x",
        article=Article(body=body, status=status, **facts),
    )
