"""The fencing rule alone: each test needs one guard, and no other guard can replace it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.publish.domain.pages import Page
from services.publish.handler.fence import ExpectedObject, PutKind, PutResult, expected_from, put_page
from shared.runtime.errors import AddressTakenError
from shared.storage import Etag
from shared.storage.memory import MemoryObjectStorage

PATH = "world/x/index.html"


def a_page(order: str, body: bytes, article: str = "a") -> Page:
    return Page(PATH, order, body, "text/html", "no-store", "epn", article=article)


@pytest.fixture
def public() -> MemoryObjectStorage:
    return MemoryObjectStorage()


def put(
    public: MemoryObjectStorage, page: Page, expected: ExpectedObject | None = None, *, is_allowed: bool = True
) -> PutResult | None:
    return put_page(page, expected, public=public, may_put=lambda: is_allowed)


def recorded(public: MemoryObjectStorage) -> ExpectedObject:
    """Return the current object as a record describes it."""
    expected = expected_from(public.find_head(PATH))
    assert expected is not None
    return replace(expected, is_read=False)


def test_an_older_page_does_not_overwrite_an_unexpected_newer_one(public: MemoryObjectStorage) -> None:
    put(public, a_page("2", b"new"))

    result = put(public, a_page("1", b"old"))

    assert result is not None
    assert result.kind is PutKind.SUPERSEDED
    assert public.get(PATH).body == b"new"


def test_an_expected_older_page_is_replaced(public: MemoryObjectStorage) -> None:
    put(public, a_page("1", b"old"))

    result = put(public, a_page("2", b"new"), expected_from(public.find_head(PATH)))

    assert result is not None
    assert result.kind is PutKind.PUT
    assert public.get(PATH).body == b"new"


def test_a_forbidden_page_is_not_put(public: MemoryObjectStorage) -> None:
    assert put(public, a_page("1", b"killed"), is_allowed=False) is None
    assert public.puts == []


def test_another_articles_page_is_never_overwritten(public: MemoryObjectStorage) -> None:
    put(public, a_page("1", b"theirs", article="theirs"))

    with pytest.raises(AddressTakenError):
        put(public, a_page("2", b"ours", article="ours"))
    assert public.get(PATH).body == b"theirs"


def test_a_page_is_put_if_the_expected_object_is_not_there(public: MemoryObjectStorage) -> None:
    page = a_page("3", b"state A")
    put(public, a_page("2", b"state B"))
    expected = ExpectedObject(Etag('"state-a"'), "1", page.sha256, "a")

    result = put(public, page, expected)

    assert result is not None
    assert result.kind is PutKind.PUT
    assert public.get(PATH).body == b"state A"


def test_unchanged_bytes_cost_no_put(public: MemoryObjectStorage) -> None:
    put(public, a_page("1", b"same"))

    result = put(public, a_page("2", b"same"), recorded(public))

    assert result is not None
    assert result.kind is PutKind.UNCHANGED
    assert public.puts == [PATH]


def test_metadata_fits_into_the_limit_of_s3() -> None:
    page = Page(
        path="p" * 300,
        order="0" * 17 + "-" + "0" * 10 + "-000~" + "0" * 17,
        body=b"",
        content_type="text/html",
        cache_control="",
        page_version="epn-0123456789ab",
        article="a" * 26,
        surrogate_keys=("article:" + "a" * 26,),
        status=301,
        location="/" + "l" * 400,
    )

    assert sum(len(name) + len(value) for name, value in page.metadata.items()) <= 1800


def test_bytes_that_someone_else_changed_are_replaced(public: MemoryObjectStorage) -> None:
    first = put(public, a_page("1", b"page"))
    assert first is not None
    expected = recorded(public)
    public.put(PATH, b"other bytes", metadata=dict(public.get(PATH).head.metadata))

    again = put(public, a_page("2", b"page"), expected)

    assert again is not None
    assert again.kind is PutKind.PUT
    assert public.get(PATH).body == b"page"


def test_an_object_without_an_order_is_replaced(public: MemoryObjectStorage) -> None:
    public.put(PATH, b"put by hand")

    result = put(public, a_page("1", b"page"))

    assert result is not None
    assert public.get(PATH).body == b"page"


def test_a_page_whose_status_someone_else_changed_is_put_again(public: MemoryObjectStorage) -> None:
    first = put(public, a_page("1", b"page"))
    assert first is not None
    expected = recorded(public)
    public.put(PATH, b"page", metadata=dict(public.get(PATH).head.metadata) | {"status": "410"})

    again = put(public, a_page("2", b"page"), expected)

    assert again is not None
    assert again.kind is PutKind.PUT
    assert public.get(PATH).head.metadata["status"] == "200"


def of_version(page: Page, version: str) -> Page:
    return replace(page, page_version=version)


def test_the_same_bytes_of_another_version_are_put_again_and_count_as_unchanged(public: MemoryObjectStorage) -> None:
    put(public, of_version(a_page("1", b"same"), "epn-1"))
    expected = recorded(public)

    result = put(public, of_version(a_page("2", b"same"), "epn-2"), expected)

    assert result == PutResult(PutKind.UNCHANGED, public.get(PATH).etag, replaced_page_version="epn-1")
    assert public.get(PATH).head.metadata["theme"] == "epn-2"
    assert len(public.puts) == 2


def test_an_older_rendering_does_not_restore_an_older_page_version(public: MemoryObjectStorage) -> None:
    put(public, of_version(a_page("2", b"same"), "epn-2"))
    page = of_version(a_page("1", b"same"), "epn-1")
    expected = ExpectedObject(public.get(PATH).etag, "0", page.sha256, "a")

    result = put(public, page, expected)

    assert result is not None
    assert result.kind is PutKind.SUPERSEDED
    assert public.get(PATH).head.metadata["theme"] == "epn-2"


def test_bytes_that_differ_from_their_metadata_count_as_changed(public: MemoryObjectStorage) -> None:
    page = a_page("1", b"right")
    put(public, page)
    expected = recorded(public)
    public.put(PATH, b"wrong", metadata=page.metadata)

    result = put(public, of_version(a_page("2", b"right"), "epn-2"), expected)

    assert result is not None
    assert result.kind is PutKind.PUT
    assert public.get(PATH).body == b"right"
