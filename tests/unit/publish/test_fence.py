"""The fence alone: each guard by itself, with nothing behind it that would cover for its absence."""

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
    public: MemoryObjectStorage, page: Page, known: ExpectedObject | None = None, *, is_allowed: bool = True
) -> PutResult | None:
    return put_page(page, known, public=public, may_put=lambda: is_allowed)


def recorded(public: MemoryObjectStorage) -> ExpectedObject:
    """Return what a record would say of the object that is there."""
    known = expected_from(public.find_head(PATH))
    assert known is not None
    return replace(known, is_read=False)


def test_an_older_page_does_not_overwrite_a_newer_one_that_nobody_told_it_of(public: MemoryObjectStorage) -> None:
    put(public, a_page("2", b"new"))

    outcome = put(public, a_page("1", b"old"))

    assert outcome is not None
    assert outcome.kind is PutKind.SUPERSEDED
    assert public.get(PATH).body == b"new"


def test_a_page_known_to_be_older_is_replaced(public: MemoryObjectStorage) -> None:
    put(public, a_page("1", b"old"))

    outcome = put(public, a_page("2", b"new"), expected_from(public.find_head(PATH)))

    assert outcome is not None
    assert outcome.kind is PutKind.PUT
    assert public.get(PATH).body == b"new"


def test_what_is_forbidden_is_not_put(public: MemoryObjectStorage) -> None:
    assert put(public, a_page("1", b"killed"), is_allowed=False) is None
    assert public.puts == []


def test_another_articles_page_is_never_overwritten(public: MemoryObjectStorage) -> None:
    put(public, a_page("1", b"theirs", article="theirs"))

    with pytest.raises(AddressTakenError):
        put(public, a_page("2", b"ours", article="ours"))
    assert public.get(PATH).body == b"theirs"


def test_bytes_that_are_believed_to_be_there_and_are_not_are_put(public: MemoryObjectStorage) -> None:
    page = a_page("3", b"state A")
    put(public, a_page("2", b"state B"))
    believed = ExpectedObject(Etag('"state-a"'), "1", page.sha256, "a")

    outcome = put(public, page, believed)

    assert outcome is not None
    assert outcome.kind is PutKind.PUT
    assert public.get(PATH).body == b"state A"


def test_the_same_bytes_again_cost_no_put(public: MemoryObjectStorage) -> None:
    put(public, a_page("1", b"same"))

    outcome = put(public, a_page("2", b"same"), recorded(public))

    assert outcome is not None
    assert outcome.kind is PutKind.UNCHANGED
    assert public.puts == [PATH]


def test_metadata_fits_into_what_s3_allows() -> None:
    page = Page(
        path="p" * 300,
        order="0" * 17 + "-" + "0" * 10 + "-000~" + "0" * 17,
        body=b"",
        content_type="text/html",
        cache_control="",
        theme="epn-0123456789ab",
        article="a" * 26,
        surrogate_keys=("article:" + "a" * 26,),
        status=301,
        location="/" + "l" * 400,
    )

    assert sum(len(name) + len(value) for name, value in page.metadata.items()) <= 1800


def test_bytes_that_were_changed_behind_its_back_are_not_taken_for_the_page(public: MemoryObjectStorage) -> None:
    first = put(public, a_page("1", b"page"))
    assert first is not None
    known = recorded(public)
    public.put(PATH, b"other bytes", metadata=dict(public.get(PATH).head.metadata))

    again = put(public, a_page("2", b"page"), known)

    assert again is not None
    assert again.kind is PutKind.PUT
    assert public.get(PATH).body == b"page"


def test_what_bears_no_order_was_not_put_by_us_and_is_replaced(public: MemoryObjectStorage) -> None:
    public.put(PATH, b"put by hand")

    outcome = put(public, a_page("1", b"page"))

    assert outcome is not None
    assert public.get(PATH).body == b"page"


def test_a_page_whose_status_was_changed_behind_its_back_is_put_again(public: MemoryObjectStorage) -> None:
    first = put(public, a_page("1", b"page"))
    assert first is not None
    known = recorded(public)
    public.put(PATH, b"page", metadata=dict(public.get(PATH).head.metadata) | {"status": "410"})

    again = put(public, a_page("2", b"page"), known)

    assert again is not None
    assert again.kind is PutKind.PUT
    assert public.get(PATH).head.metadata["status"] == "200"


def of_version(page: Page, version: str) -> Page:
    return replace(page, theme=version)


def test_the_same_bytes_of_another_version_are_put_again_and_count_as_unchanged(public: MemoryObjectStorage) -> None:
    put(public, of_version(a_page("1", b"same"), "epn-1"))
    known = recorded(public)

    outcome = put(public, of_version(a_page("2", b"same"), "epn-2"), known)

    assert outcome == PutResult(PutKind.UNCHANGED, public.get(PATH).etag, replaced_theme="epn-1")
    assert public.get(PATH).head.metadata["theme"] == "epn-2"
    assert len(public.puts) == 2


def test_an_older_rendering_does_not_take_the_version_back(public: MemoryObjectStorage) -> None:
    put(public, of_version(a_page("2", b"same"), "epn-2"))
    page = of_version(a_page("1", b"same"), "epn-1")
    believed = ExpectedObject(public.get(PATH).etag, "0", page.sha256, "a")

    outcome = put(public, page, believed)

    assert outcome is not None
    assert outcome.kind is PutKind.SUPERSEDED
    assert public.get(PATH).head.metadata["theme"] == "epn-2"


def test_bytes_changed_by_a_hand_that_kept_the_metadata_count_as_changed(public: MemoryObjectStorage) -> None:
    page = a_page("1", b"right")
    put(public, page)
    known = recorded(public)
    public.put(PATH, b"wrong", metadata=page.metadata)

    outcome = put(public, of_version(a_page("2", b"right"), "epn-2"), known)

    assert outcome is not None
    assert outcome.kind is PutKind.PUT
    assert public.get(PATH).body == b"right"
