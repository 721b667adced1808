"""Superdesk's HTTP push against the real endpoint: assets, article, correction under a new guid, kill."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from PIL import Image

from services.ingest.adapters.readers import FORMATS, read_document
from services.ingest.endpoint import EndpointDeps, create_app
from services.ingest.handler import (
    Fronts,
    accept_document,
    act,
    find_article_state,
    find_asset,
    find_receipt_state,
    store_asset,
    store_picture,
    submit,
    submit_batch,
    with_assets,
)
from services.ingest.settings import IngestSettings
from shared.runtime.feed_secrets import FeedSecrets, add_secret
from shared.runtime.tokens import Tokens
from shared.site.keys import article_id
from shared.site.sites import Feed
from tests.contract.newsroom import Newsroom, no_streams
from tests.functional.conftest import NOON, Pipeline

SECRET = "superdesk-and-pressline"
GUID, NEW_GUID = "urn:newsml:desk.example:lighthouse", "urn:newsml:desk.example:lighthouse-2"
TOWER, LAMP = "20261101/tower.jpg", "20261101/lamp.jpg"
_STARTUP_SECONDS, _CLIENT_SECONDS = 20, 120
SUPERDESK_PYTHON = os.environ.get("TEST_SUPERDESK_PYTHON", "")
"""A Python with the package superdesk-core (2.5), whose transmitter then pushes the items."""


def an_item(**fields: Any) -> dict[str, Any]:
    """Return an article as Superdesk's ninjs formatter writes it."""
    return {
        "guid": GUID,
        "version": "2",
        "type": "text",
        "pubstatus": "usable",
        "headline": "Lighthouse keepers vote to stay",
        "versioncreated": "2026-11-01T10:00:00+0000",
        "firstcreated": "2026-11-01T09:00:00+0000",
        "language": "en",
        "priority": 5,
        "ednote": "Desk: call 555-0142",
        "service": [{"code": "world", "name": "World"}],
        "body_html": '<p>They keep the lamp.</p>\n<!-- EMBED START Image {id: "editor_0"} -->\n<figure>\n  '
        '<img src="https://desk.example/lamp/raw" alt="A lamp" />\n  <figcaption>The old lamp</figcaption>\n</figure>\n'
        '<!-- EMBED END Image {id: "editor_0"} -->',
        "associations": {
            "featuremedia": a_picture_item("tower", TOWER, "The tower at dusk"),
            "editor_0": a_picture_item("lamp", LAMP, "The old lamp"),
        },
    } | fields


def a_picture_item(name: str, media: str, caption: str) -> dict[str, Any]:
    rendition = {"href": f"https://desk.example/{name}/raw", "media": media, "width": 40, "height": 30}
    return {
        "guid": f"tag:desk.example:{name}",
        "type": "picture",
        "pubstatus": "usable",
        "description_text": caption,
        "renditions": {"original": rendition | {"mimetype": "image/jpeg"}},
    }


def a_kill(guid: str = GUID) -> dict[str, Any]:
    """Return Superdesk's kill, with the notice as its body."""
    return an_item(
        guid=guid, pubstatus="canceled", version="3", body_html="<p>Kill it, call 555-0177.</p>", associations={}
    )


def a_jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def superdesk(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline of a site with a feed for Superdesk."""
    feed = Feed(id="superdesk", name="Superdesk", source="desk.example")
    pipeline.site = pipeline.site.model_copy(update={"feeds": (*pipeline.site.feeds, feed)})
    add_secret(pipeline.content, "epn", "superdesk", secret=SECRET, now=NOON)
    return pipeline


@pytest.fixture
def address(superdesk: Pipeline) -> Iterator[str]:
    """Yield the address of the real endpoint, with the pipeline behind it."""
    pipeline = superdesk
    deps, unused = pipeline.ingest_deps, Newsroom()
    object.__setattr__(deps, "read_document", with_assets(read_document, pipeline.content))
    app = create_app(
        EndpointDeps(
            settings=IngestSettings(_env_file=None),
            sites={"epn": pipeline.site},
            formats=FORMATS,
            find_token=Tokens(pipeline.content).find,
            admit=lambda _: None,
            dry_run=unused.dry_run,
            rate_limits=unused,
            kept_answers=unused,
            events=no_streams(pipeline.content),
            accept=lambda raw, metadata: accept_document(raw, metadata, uuid4(), deps),
            submit=lambda raw, metadata: submit(raw, metadata, uuid4(), deps),
            submit_lines=lambda raws, metadata: submit_batch(raws, metadata, uuid4(), deps),
            act=partial(act, deps=deps),
            fronts=Fronts(pipeline.content, deps.revisions, pipeline.index),
            store_picture=partial(store_picture, deps=deps),
            find_feed_secrets=FeedSecrets(pipeline.content, ttl_seconds=0).find,
            store_asset=partial(store_asset, deps=deps),
            find_asset=partial(find_asset, content=pipeline.content),
            wait=_no_wait,
            receipt=lambda receipt: find_receipt_state(receipt, deps),
            article=lambda _, article: find_article_state(pipeline.site, article, deps),
            why=_no_reasons,
            ready=list,
            clock=lambda: pipeline.now,
        )
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    waited = threading.Event()
    for _ in range(_STARTUP_SECONDS * 20):
        if server.started or waited.wait(0.05):
            break
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1/feeds/superdesk"
    server.should_exit = True
    thread.join(_STARTUP_SECONDS)


async def _no_wait(receipt: str, seconds: float) -> None:
    return None


def _no_reasons(url: str, site: object) -> Any:
    raise AssertionError(url, site)


def push(address: str, *items: dict[str, Any], folder: Path) -> list[str]:
    """Push items as Superdesk does, with its own code if it is installed; return the outcome of each."""
    media = {TOWER: folder / "tower.jpg", LAMP: folder / "lamp.jpg"}
    media[TOWER].write_bytes(a_jpeg("white"))
    media[LAMP].write_bytes(a_jpeg("yellow"))
    if not SUPERDESK_PYTHON:
        return [_pushed(address, item, media) for item in items]
    config = {"resource_url": address, "assets_url": f"{address}/assets", "secret_token": SECRET}
    task = {"config": config, "items": items, "media": {name: str(path) for name, path in media.items()}}
    script = Path(__file__).parent / "superdesk_client.py"
    ran = subprocess.run(
        [SUPERDESK_PYTHON, str(script)],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=_CLIENT_SECONDS,
        check=True,
        cwd=folder,
    )
    return [json.loads(line)["outcome"] for line in ran.stdout.splitlines() if line.startswith("{")]


def _pushed(address: str, item: dict[str, Any], media: dict[str, Path]) -> str:
    """Send the requests of Superdesk's transmitter for one item, in its order."""
    for association in item["associations"].values():
        for rendition in association["renditions"].values():
            name = rendition["media"]
            known = httpx.get(f"{address}/assets/{name}")
            assert known.status_code in (200, 404)
            if known.status_code == 404:
                form = httpx.Request(
                    "POST",
                    f"{address}/assets",
                    data={"media_id": name},
                    files={"media": (name, media[name].read_bytes(), "image/jpeg")},
                )
                body = form.read()
                headers = {"Content-Type": form.headers["Content-Type"]} | _signature(body)
                assert httpx.post(f"{address}/assets", content=body, headers=headers).status_code in (200, 201)
    raw = json.dumps(item).encode()
    answer = httpx.post(
        address,
        content=raw,
        headers={"Content-Type": "application/json", "Accept": "application/json"} | _signature(raw),
    )
    return "pushed" if answer.is_success else f"PublishHTTPPush{'Client' if answer.is_client_error else 'Server'}Error"


def _signature(raw: bytes) -> dict[str, str]:
    return {"x-superdesk-signature": "sha1=" + hmac.new(SECRET.encode(), raw, "sha1").hexdigest()}


def test_pictures_that_superdesk_uploads_are_on_the_page(superdesk: Pipeline, address: str, tmp_path: Path) -> None:
    outcomes = push(address, an_item(), folder=tmp_path)
    superdesk.run()

    page = superdesk.page_of(article_id("epn", "desk.example", GUID))
    assert outcomes == ["pushed"]
    for colour in ("white", "yellow"):
        assert hashlib.sha256(a_jpeg(colour)).hexdigest() in page
    assert "The old lamp" in page
    assert "desk.example/lamp" not in page
    assert "555-01" not in str(superdesk.site_bytes())


def test_a_story_is_published_rewritten_under_a_new_guid_and_killed_under_the_first(
    superdesk: Pipeline, address: str, tmp_path: Path
) -> None:
    rewrite = an_item(
        guid=NEW_GUID, evolvedfrom=GUID, headline="Keepers stay", versioncreated="2026-11-01T11:00:00+0000"
    )
    article = article_id("epn", "desk.example", GUID)

    assert push(address, an_item(), rewrite, folder=tmp_path) == ["pushed", "pushed"]
    superdesk.run()
    path = superdesk.record(article).path
    assert path is not None
    assert "Keepers stay" in superdesk.page(path)

    assert push(address, a_kill(), a_kill(), folder=tmp_path) == ["pushed", "pushed"]
    superdesk.run()
    superdesk.tick()
    assert superdesk.status_at(path) == "410"
    assert "They keep the lamp" not in str(superdesk.site_bytes())
    assert "Keepers stay" not in str(superdesk.site_bytes())
    assert "555-01" not in str(superdesk.site_bytes())


def test_a_superseded_and_a_repeated_version_are_no_errors_to_superdesk(
    superdesk: Pipeline, address: str, tmp_path: Path
) -> None:
    older = an_item(version="1", versioncreated="2026-11-01T09:30:00+0000")

    assert push(address, an_item(), an_item(), older, folder=tmp_path) == ["pushed", "pushed", "pushed"]


def test_a_package_is_an_error_that_superdesk_does_not_repeat(
    superdesk: Pipeline, address: str, tmp_path: Path
) -> None:
    package = {"guid": "urn:p", "type": "composite", "headline": "Package", "associations": {}}
    package["associations"] = {"main": {"guid": GUID, "type": "text", "renditions": {}}}

    assert push(address, package, folder=tmp_path) == ["PublishHTTPPushClientError"]
