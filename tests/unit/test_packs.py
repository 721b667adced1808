"""Pages that travel together, and texts that are kept together: what is cut short, old or spoilt."""

from __future__ import annotations

import zlib
from uuid import UUID

import pytest

from services.render.handler.texts import Texts
from shared.errors import PermanentError
from shared.packs import PackedPage, framed, packed, unpacked
from shared.storage.memory import MemoryObjectStorage

PAGE = PackedPage(
    message_id=UUID(int=1), site="epn", path="a", order="1", sha256="0" * 64, content_type="text/html", theme="epn-1"
)
BODIES = [b"<p>One.</p>", b"", b"<p>\x78\x01\xc3\xa9</p>" * 100]
KEYS = [f"articles/epn/{number}/enriched/1.e1.json" for number in range(8)]


def test_what_is_packed_is_unpacked() -> None:
    pages = [(PAGE.model_copy(update={"path": f"{number}"}), body) for number, body in enumerate(BODIES)]

    assert list(unpacked(packed(pages))) == pages
    assert list(unpacked(packed([]))) == []


def test_a_pack_that_the_release_before_made_is_read() -> None:
    parts = [part for body in BODIES for part in (PAGE.model_dump_json(exclude_defaults=True).encode(), body)]

    assert [body for _, body in unpacked(framed(parts))] == BODIES


def test_a_pack_that_is_cut_short_or_too_large_never_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = packed([(PAGE, body) for body in BODIES])
    with pytest.raises(PermanentError, match="cut short"):
        list(unpacked(pack[:-8]))

    monkeypatch.setattr("shared.packs.MOST_BYTES", 64)
    with pytest.raises(PermanentError, match="larger than 64 bytes"):
        list(unpacked(zlib.compress(b"x" * 1000, level=1)))


def a_content_bucket() -> MemoryObjectStorage:
    content = MemoryObjectStorage()
    for key in KEYS:
        content.put(key, key.encode())
    content.puts.clear()
    return content


def test_texts_are_kept_together_where_many_were_read_alone() -> None:
    content = a_content_bucket()
    texts = Texts(content, "kept")
    assert [texts.find(key) for key in KEYS] == [key.encode() for key in KEYS]
    texts.keep()
    for key in KEYS[:3]:
        content.put(key, b"what such a key holds never changes")

    again = Texts(content, "kept")
    assert [again.is_at_hand(key) for key in KEYS] == [True] * 8
    assert [again.find(key) for key in KEYS] == [key.encode() for key in KEYS]
    again.keep()
    assert content.puts.count("kept") == 1


def test_few_that_are_missing_are_no_reason_to_put_the_others_again() -> None:
    content = a_content_bucket()
    texts = Texts(content, "kept")
    for key in KEYS[:5]:
        texts.find(key)
    assert texts.find("articles/epn/none") is None
    texts.keep()

    assert content.puts == []


def test_without_a_place_nothing_is_kept_and_what_is_large_stays_where_it_is() -> None:
    content = a_content_bucket()
    content.put(KEYS[0], b"x" * 100_000)
    for place in ("", "kept"):
        texts = Texts(content, place)
        for key in KEYS:
            texts.find(key)
        texts.keep()

    kept = Texts(content, "kept")
    assert [kept.is_at_hand(key) for key in KEYS] == [False] + [True] * 7


@pytest.mark.parametrize(
    "spoilt", [b"\x00", b"\x00\x00\x00\x03abc", b"\x00\x00\x00\x01\xff\x00\x00\x00\x01a", b"<html>"]
)
def test_spoilt_texts_are_read_alone(spoilt: bytes) -> None:
    content = a_content_bucket()
    content.put("kept", spoilt)

    assert Texts(content, "kept").find(KEYS[0]) == KEYS[0].encode()
