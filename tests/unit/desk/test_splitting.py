"""Exports and feeds are split into whole documents with one item each, which the readers understand."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from services.desk.adapters.import_files import StoredImportFiles
from services.desk.adapters.splitting import SPLITTERS
from services.desk.domain.imports import ImportLine
from services.desk.ports import ImportFileError
from services.ingest.adapters.readers import read_document
from services.ingest.ports import Entry, Reading, ReadingContext
from shared.site.sites import DEFAULT_FEED
from tests.unit.test_addresses import NOON, SITE

FIXTURES = Path(__file__).parents[1] / "ingest" / "fixtures"
EXPORT = FIXTURES / "wordpress" / "export.xml"
GHOST = FIXTURES / "ghost" / "export.json"
CONTEXT = ReadingContext(site=SITE, feed=DEFAULT_FEED, received_at=NOON)
MEGABYTE = 1024 * 1024


def _document(line: ImportLine) -> bytes:
    value = json.loads(line.raw or b"")
    return value.encode() if isinstance(value, str) else line.raw or b""


def _outcome(entry: Entry) -> str:
    return entry.article.model_dump_json() if isinstance(entry, Reading) else entry.status


@pytest.mark.parametrize(("kind", "path"), [("wxr", EXPORT), ("ghost", GHOST)])
def test_each_part_is_read_as_in_the_whole_file(kind: str, path: Path) -> None:
    lines = list(SPLITTERS[kind](path))

    whole = read_document(path.read_bytes(), None, CONTEXT)
    assert [line.number for line in lines] == list(range(1, len(whole) + 1))
    for line, entry in zip(lines, whole, strict=True):
        if line.raw == b"":
            assert _outcome(entry) == "media"
        elif _outcome(entry) == "refused":
            with pytest.raises(Exception, match=r"is"):
                read_document(_document(line), "application/json", CONTEXT)
        else:
            (part,) = read_document(_document(line), "application/json", CONTEXT)
            assert _outcome(part) == _outcome(entry)


def test_comments_and_e_mail_addresses_are_not_sent() -> None:
    for kind, path in (("wxr", EXPORT), ("ghost", GHOST)):
        sent = b"".join(line.raw or b"" for line in SPLITTERS[kind](path))
        assert b"PRIVATE-COMMENT" not in sent
        assert b"-private@courier" not in sent.replace(b"somebody-private@courier", b"")


def test_control_characters_and_named_characters_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(EXPORT.read_bytes().replace(b"<title>Blocks", b"<title>Bl\x0bo&nbsp;cks"))

    second = list(SPLITTERS["wxr"](path))[1]

    assert "Blo\u00a0cks" in _document(second).decode()


def test_a_broken_file_is_reported_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(EXPORT.read_bytes().replace(b"<title>Imprint</title>", b"<title>Imprint</tilte>"))

    with pytest.raises(ImportFileError, match=r"not well-formed XML.*line"):
        list(SPLITTERS["wxr"](path))
    path.write_bytes(GHOST.read_bytes()[:-20])
    with pytest.raises(ImportFileError, match="is not JSON"):
        list(SPLITTERS["ghost"](path))


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Courier</title>
<entry><id>a</id><title>A</title></entry><entry><id>b</id><title>B</title></entry></feed>"""
RSS = "<rss><channel><title>Courier</title><item><guid>a</guid></item><item><guid>b</guid></item></channel></rss>"
JSON_FEED = '{"version": "1.1", "items": [{"id": "a"}, {"id": "b", "tags": ["x"]}], "title": "Courier"}'


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        (ATOM, '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Courier</title>\n<entry><id>{}</id>'),
        (RSS, "<rss><channel><title>Courier</title><item><guid>{}</guid></item></channel></rss>"),
        (JSON_FEED, '{{"version": "1.1", "title": "Courier", "items": [{{"id": "{}"'),
    ],
)
def test_an_entry_of_a_feed_is_sent_with_the_facts_of_its_feed(tmp_path: Path, text: str, starts: str) -> None:
    path = tmp_path / "feed"
    path.write_text(text, encoding="utf-8")

    documents = [_document(line).decode() for line in SPLITTERS["feed"](path)]

    assert len(documents) == 2
    for document, name in zip(documents, "ab", strict=True):
        assert document.startswith(starts.format(name))


def test_an_import_continues_after_the_items_that_are_done() -> None:
    files = StoredImportFiles(str(EXPORT), None, kind="wxr", split=SPLITTERS["wxr"])
    state = files.begin(site=None, restart=True)
    try:
        state.line = 2
        assert next(iter(files.lines(state))).number == 3
        files.save(state)
        other = StoredImportFiles(str(EXPORT), None, kind="feed", split=SPLITTERS["feed"])
        with pytest.raises(ImportFileError, match="began as wxr"):
            other.begin(site=None, restart=False)
    finally:
        files.close()
        for path in (files.state_path, files.receipts_path):
            path.unlink(missing_ok=True)


def _large_export(path: Path) -> Path:
    text = EXPORT.read_text(encoding="utf-8")
    start, end = text.index("<item>"), text.index("</channel>")
    with path.open("w", encoding="utf-8") as file:
        file.write(text[:start])
        for _ in range(1_000):
            file.write(text[start:end])
        file.write(text[end:])
    return path


def _large_ghost(path: Path) -> Path:
    database = json.loads(GHOST.read_bytes())
    database["db"][0]["data"]["posts"] *= 1_500
    path.write_text(json.dumps(database), encoding="utf-8")
    return path


@pytest.mark.parametrize(("kind", "make"), [("wxr", _large_export), ("ghost", _large_ghost)])
def test_memory_is_flat_for_a_large_file(tmp_path: Path, kind: str, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "large")
    lines = SPLITTERS[kind](path)
    assert path.stat().st_size > 5 * MEGABYTE
    next(lines)

    tracemalloc.start()
    try:
        count = sum(1 for _ in islice(lines, 3_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        lines.close()  # type: ignore[attr-defined]  # a generator

    assert count == 3_000
    assert peak < 2 * MEGABYTE
