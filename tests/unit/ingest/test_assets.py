"""The assets of a document: the number of reads of the store is bounded."""

from __future__ import annotations

from dataclasses import replace

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import PictureFile, SentPicture, set_pictures
from services.ingest.domain.assets import Asset, name_sha256
from services.ingest.handler.assets import with_assets
from services.ingest.ports import Entry, ReadingContext
from shared.site import keys
from shared.storage import StoredObject
from shared.storage.memory import MemoryObjectStorage

TOWER = "aa" * 32
NO_ASSETS: dict[str, str] = {}


class CountingStorage(MemoryObjectStorage):
    """Notes the keys that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def find(self, key: str) -> StoredObject | None:
        self.asked.append(key)
        return super().find(key)


def test_a_document_reads_each_name_once_and_at_most_400_names(context: ReadingContext) -> None:
    storage = CountingStorage()
    key = keys.sent_asset_key("epn", "agency", name_sha256("tower"))
    storage.put(key, Asset(name="tower", media=TOWER).model_dump_json().encode(), content_type="application/json")
    found: list[str | None] = []

    def look_up(raw: bytes, content_type: str | None, context: ReadingContext) -> list[Entry]:
        found.extend(context.find_asset(name) for name in ("tower", "tower", *(f"no-{n}" for n in range(500)), "tower"))
        return []

    read = with_assets(look_up, storage)
    read(b"", None, context)

    assert [each for each in found if each] == [TOWER] * 3
    assert len(storage.asked) == 400
    read(b"", None, context)
    assert len(storage.asked) == 800


def test_a_picture_with_many_files_causes_four_look_ups(context: ReadingContext) -> None:
    asked: list[str] = []
    builder = ArticleBuilder("ninjs", replace(context, find_asset=asked.append))
    files = [PictureFile(f"/{n}", f"https://a.example/{n}", width=n, asset=f"file-{n}") for n in range(100)]

    set_pictures(builder, [SentPicture("/picture", files, caption="A tower")])

    assert asked == ["file-99", "file-98", "file-97", "file-96"]


def test_the_address_of_an_uploaded_file_counts_whatever_its_width(context: ReadingContext) -> None:
    builder = ArticleBuilder("ninjs", replace(context, find_asset=NO_ASSETS.get))
    files = [PictureFile(f"/{n}", "", width=n, asset=f"file-{n}") for n in range(10, 20)]

    set_pictures(builder, [SentPicture("/picture", [*files, PictureFile("/small", f"media:{TOWER}", width=1)])])

    assert builder.values["picture"]["media"] == TOWER
