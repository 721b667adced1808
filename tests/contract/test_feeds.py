"""Feeds: an article's source comes from the item or from the sender's feed, never from a token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.__main__ import app as commands
from services.ingest.adapters.readers import read_document
from services.ingest.domain.refusal import RefusedError
from services.ingest.ports import Reading, ReadingContext
from shared.model.article import Rights
from shared.runtime.tokens import list_tokens, mint
from shared.site.keys import article_id
from shared.site.sites import Feed, Section, Site, load_sites
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, OWN, Api, Newsroom, a_site, an_app, pointers

WIRE = Feed(id="wire", name="Wire", source="wire.example")
DESK = Feed(id="desk", name="Desk", source="desk.example")
ITEM = {name: value for name, value in OWN.items() if name != "source"}


@pytest.fixture
def sites() -> dict[str, Site]:
    return {"epn": a_site("epn").model_copy(update={"feeds": (DESK, WIRE)})}


@pytest.fixture
def api(newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, sites: dict[str, Site]) -> Api:
    return Api(an_app(newsroom, storage, sites=sites), portal, None)


def under(api: Api, storage: MemoryObjectStorage, *feeds: str, name: str = "x") -> Api:
    token = mint(storage, name=name, scopes=["publish", "takedown"], sites=["epn"], feeds=feeds, now=NOW)
    return Api(api.app, api.portal, token)


def test_tokens_of_one_feed_refer_to_the_same_article(api: Api, storage: MemoryObjectStorage) -> None:
    posted = under(api, storage, "wire", name="wire desk").post(ITEM)
    killed = under(api, storage, "wire", name="legal desk").post({"source_id": ITEM["source_id"], "status": "canceled"})

    expected = article_id("epn", "wire.example", str(ITEM["source_id"]))
    assert posted.json()["article"] == killed.json()["article"] == expected


def test_the_items_own_source_wins(api: Api, storage: MemoryObjectStorage) -> None:
    posted = under(api, storage, "wire").post(ITEM | {"source": "another agency"})

    assert posted.json()["article"] == article_id("epn", "another agency", str(ITEM["source_id"]))


def test_a_token_without_feeds_belongs_to_the_first_of_the_site(api: Api, storage: MemoryObjectStorage) -> None:
    posted = under(api, storage).post(ITEM)

    assert posted.json()["article"] == article_id("epn", "desk.example", str(ITEM["source_id"]))


def test_a_token_of_several_feeds_names_one_in_the_request(api: Api, storage: MemoryObjectStorage) -> None:
    both = under(api, storage, "wire", "desk")

    silent = both.post(ITEM)
    named = both.post(ITEM, "/v1/articles?feed=wire")
    by_path = both.post(ITEM, "/v1/feeds/wire")

    assert silent.status_code == 422
    assert "name the feed with ?feed=, one of desk, wire" in silent.text
    assert pointers(silent) == [""]
    assert named.json()["article"] == by_path.json()["article"] == article_id("epn", "wire.example", ITEM["source_id"])


@pytest.mark.parametrize("path", ["/v1/articles?feed=wire", "/v1/feeds/wire", "/v1/batches?feed=wire"])
def test_a_token_cannot_name_a_feed_that_it_does_not_belong_to(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage, path: str
) -> None:
    answer = under(api, storage, "desk").post(ITEM, path)

    assert answer.status_code == 403
    assert "does not belong to feed 'wire' of site epn" in answer.json()["detail"]
    assert newsroom.calls == []


def test_a_token_of_no_feed_of_the_site_is_refused(api: Api, storage: MemoryObjectStorage) -> None:
    answer = under(api, storage, "gone").post(ITEM)

    assert answer.status_code == 403
    assert answer.json()["detail"] == "the token belongs to no feed of site epn"


def test_a_batch_is_read_under_its_feed(api: Api, newsroom: Newsroom, storage: MemoryObjectStorage) -> None:
    under(api, storage, "wire", "desk").post(ITEM, "/v1/batches?feed=wire", Content_Type="application/x-ndjson")

    assert [call["feed"].id for call in newsroom.calls] == ["wire"]


def a_context(**settings: Any) -> ReadingContext:
    site = a_site("epn").model_copy(update={"sections": (Section(id="news", name="N"), Section(id="world", name="W"))})
    return ReadingContext(site, WIRE.model_copy(update=settings), NOW)


def read_one(raw: bytes, content_type: str | None, context: ReadingContext) -> Reading:
    (entry,) = read_document(raw, content_type, context)
    assert isinstance(entry, Reading)
    return entry


def test_a_feed_supplies_missing_fields() -> None:
    rights = Rights(holder="Wire Ltd", notice="All rights reserved")
    context = a_context(section="world", language="de", rights=rights)

    article = read_one(b'{"source_id": "1", "headline": "H", "body": "<p>B</p>"}', None, context).article

    assert (article.section, article.language, article.rights) == ("world", "de", rights)


def test_an_items_own_fields_win() -> None:
    own = b'{"source_id": "1", "headline": "H", "body": "<p>B</p>", "section": "news", "language": "fr", "rights": {}}'

    article = read_one(own, None, a_context(section="world", language="de", rights=Rights(holder="W"))).article

    assert (article.section, article.language, article.rights) == ("news", "fr", Rights())


def test_a_feed_refuses_a_format_that_it_does_not_accept() -> None:
    with pytest.raises(
        RefusedError, match="feed wire accepts ninjs; the document is Pressline's own JSON form"
    ) as refusal:
        read_document(b'{"source_id": "1", "headline": "H", "body": "<p>B</p>"}', None, a_context(formats=("ninjs",)))

    assert refusal.value.code == 415


@pytest.mark.parametrize(
    ("feeds", "fault"),
    [
        ("feeds = []", "at least 1"),
        (
            '[[feeds]]\nid = "a"\nname = "A"\nsource = "a"\n[[feeds]]\nid = "a"\nname = "B"\nsource = "b"',
            "have the id a",
        ),
        ('[[feeds]]\nid = "a"\nname = "A"\nsource = "a"\nsection = "nowhere"', "nowhere is not a section"),
        ('[[feeds]]\nid = "a"\nname = "A"\nsource = "  "', "is empty"),
    ],
    ids=["none", "twice", "section", "source"],
)
def test_a_site_with_a_wrong_feed_is_refused_at_start(tmp_path: Path, feeds: str, fault: str) -> None:
    site = """id = "s"\nname = "S"\ntagline = ""\nbase_url = "https://s.example"\nzone = "UTC"\nlanguage = "en"
theme = "epn"\ndefault_section = "news"\nsections = [{id = "news", name = "News"}]\n"""
    (tmp_path / "s.toml").write_text(site + feeds)

    with pytest.raises(ValueError, match=fault):
        load_sites(tmp_path)


def test_the_command_line_creates_a_token_of_a_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemoryObjectStorage()
    monkeypatch.setattr(wiring, "content", lambda: storage)

    made = CliRunner().invoke(commands, ["tokens", "create", "--feed", "newsroom"])
    wrong = CliRunner().invoke(commands, ["tokens", "create", "--feed", "wyre"])

    assert made.stdout.startswith("prl_")
    (record,) = list_tokens(storage)
    assert (record.name, record.feeds, sorted(record.scopes)) == ("newsroom", ("newsroom",), ["publish"])
    assert wrong.exit_code == 2
    assert "wyre" in wrong.output


def test_a_feed_supplies_section_and_language_of_a_ninjs_item() -> None:
    item = {
        "uri": "urn:x:1",
        "type": "text",
        "standard": {"name": "ninjs", "version": "3.0"},
        "headlines": [{"value": "H"}],
        "bodies": [{"value": "<p>B</p>", "contentType": "text/html"}],
    }

    reading = read_one(json.dumps(item).encode(), None, a_context(section="world", language="de"))

    assert (reading.article.section, reading.article.language) == ("world", "de")
    assert "no language is given; de is used" in reading.report.warnings
