"""`pressline status` counts pages by their version of theme and settings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.desk.handler.versions import version_lines
from shared.site.page_versions import VersionCounts, note_version, store_counts
from shared.storage import StoredObject
from shared.storage.memory import MemoryObjectStorage
from tests.contract.test_index import SITE

AT_03_10 = datetime(2026, 11, 1, 3, 10, tzinfo=UTC)


@pytest.fixture
def content() -> MemoryObjectStorage:
    return MemoryObjectStorage()


def line_of(content: MemoryObjectStorage) -> str:
    (line,) = version_lines([SITE], content)
    return line


def count(content: MemoryObjectStorage, current: str, **pages: int) -> None:
    counts = VersionCounts(
        counted_at=AT_03_10, current=current, pages={f"epn-{key[1:]}": n for key, n in pages.items()}
    )
    store_counts(content, SITE, counts)


def test_status_shows_pages_of_another_version_and_the_command_that_renews_them(
    content: MemoryObjectStorage,
) -> None:
    note_version(content, SITE, "epn-2")
    count(content, "epn-2", v1=214, v2=2906)

    assert line_of(content) == (
        "epn: 214 of 3,120 pages carry another version of theme and settings; "
        "run `pressline rebuild --site epn --theme` (counted 2026-11-01 03:10 UTC)"
    )


def test_a_new_version_shows_before_pages_are_counted_again(content: MemoryObjectStorage) -> None:
    count(content, "epn-1", v1=3120)
    note_version(content, SITE, "epn-2")

    assert line_of(content).startswith("epn: 3,120 of 3,120 pages carry another version")
    assert "before the latest change" in line_of(content)


def test_status_shows_that_no_page_carries_another_version(content: MemoryObjectStorage) -> None:
    note_version(content, SITE, "epn-2")
    count(content, "epn-2", v2=3120)

    assert "none of 3,120 pages carries another version" in line_of(content)


def test_status_shows_that_pages_are_not_counted_yet(content: MemoryObjectStorage) -> None:
    assert "no render worker has stored" in line_of(content)
    note_version(content, SITE, "epn-2")
    assert "not counted" in line_of(content)


def test_status_costs_two_reads_per_site(content: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    note_version(content, SITE, "epn-2")
    count(content, "epn-2", v2=100_000)
    read: list[str] = []
    find = content.find

    def find_and_note(key: str) -> StoredObject | None:
        read.append(key)
        return find(key)

    monkeypatch.setattr(content, "find", find_and_note)

    line_of(content)

    assert len(read) == 2
