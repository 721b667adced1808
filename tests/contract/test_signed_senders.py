"""Senders that sign instead of sending a token: Superdesk's HTTP push with its assets, and Ghost's webhooks."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from PIL import Image
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.__main__ import app as commands
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.endpoint.multipart import parse_form
from services.ingest.ports import Allowance
from shared.runtime.feed_secrets import FeedSecrets, add_secret, list_secrets
from shared.site.keys import article_id
from shared.site.sites import Feed, Site
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import BACKLOG_TEXT, NOW, Api, Newsroom, a_site, an_app

SECRET = "a-secret-of-the-desk"
INPUTS = Path(__file__).resolve().parents[3] / "shared" / "inputs"
ITEM: dict[str, Any] = {
    "guid": "urn:newsml:desk.example:1",
    "type": "text",
    "version": "1",
    "versioncreated": "2026-11-22T09:00:00+0000",
    "headline": "Bridge reopens",
    "body_html": "<p>It is open.</p>",
    "pubstatus": "usable",
}
FEED = "/v1/feeds/superdesk"
ASSETS = f"{FEED}/assets"
UNSIGNED_PATHS = ["/v1/feeds/desk", f"{FEED}?site=other", f"{FEED}?site=epn&site=other"]


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-superdesk-signature": "sha1=" + hmac.new(secret.encode(), raw, "sha1").hexdigest()}


def signed_by_ghost(raw: bytes, stamp: int, secret: str = SECRET, *, is_old: bool = False) -> dict[str, str]:
    code = hmac.new(secret.encode(), raw + (b"" if is_old else str(stamp).encode()), "sha256").hexdigest()
    return {"X-Ghost-Signature": f"sha256={code}, t={stamp}"}


def a_picture(colour: str = "red") -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(stored, "JPEG")
    return stored.getvalue()


def a_form(media_id: str, media: bytes) -> tuple[bytes, dict[str, str]]:
    boundary = "c0ffee5d1f0d4c0ebd2e"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="media_id"\r\n\r\n{media_id}\r\n--{boundary}\r\n'
    file = f'Content-Disposition: form-data; name="media"; filename="{media_id}"\r\nContent-Type: image/jpeg\r\n\r\n'
    raw = (head + file).encode() + media + f"\r\n--{boundary}--\r\n".encode()
    return raw, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


@pytest.fixture
def sites() -> dict[str, Site]:
    feeds = (Feed(id="desk", name="Desk", source="desk"), Feed(id="superdesk", name="Superdesk", source="wire.example"))
    return {name: a_site(name).model_copy(update={"feeds": feeds}) for name in ("epn", "other")}


@pytest.fixture
def api(newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, sites: dict[str, Site]) -> Api:
    add_secret(storage, "epn", "superdesk", secret=SECRET, now=NOW)
    return Api(an_app(newsroom, storage, sites=sites), portal, None)


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FEED, f"{FEED}?site=epn", "/v1/articles?feed=superdesk"])
def test_a_signed_item_is_accepted_without_a_token(api: Api, newsroom: Newsroom, path: str) -> None:
    raw = json.dumps(ITEM).encode()

    answer = api("POST", path, content=raw, headers={"Content-Type": "application/json"} | signed(raw))

    assert answer.status_code == 202
    assert answer.json()["article"] == article_id("epn", "wire.example", ITEM["guid"])
    assert newsroom.calls[0]["may_take_down"] is True


def test_the_given_pair_of_body_and_signature_is_accepted(api: Api, storage: MemoryObjectStorage) -> None:
    if not (INPUTS / "g11").is_dir():
        pytest.skip("the real items are not on this machine")
    add_secret(storage, "epn", "superdesk", secret="secret_token", now=NOW)
    raw = (INPUTS / "g11" / "signed_body.json").read_bytes()
    line = (INPUTS / "g11" / "signature.txt").read_text().splitlines()[0]
    name, _, value = line.partition(": ")

    assert api("POST", FEED, content=raw, headers={name: value}).status_code == 202
    assert api("POST", FEED, content=raw + b"\n", headers={name: value}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        signed(b"other bytes"),
        signed(json.dumps(ITEM).encode(), "another secret"),
        {"x-superdesk-signature": "sha1=0"},
        {"x-superdesk-signature": "md5=" + "0" * 40},
        {"x-superdesk-signature": "sha1=" + "é".encode().hex() * 10},
        {"x-superdesk-signature": ""},
        {"x-ghost-signature": "sha256=" + "0" * 64 + ", t=1"},
        {},
    ],
)
def test_a_wrong_signature_is_refused(api: Api, newsroom: Newsroom, headers: dict[str, str]) -> None:
    answer = api.post(ITEM, FEED, **headers)

    assert answer.status_code == 401
    assert newsroom.calls == []


@pytest.mark.parametrize("path", [*UNSIGNED_PATHS, "/v1/feeds/desk/assets"])
def test_a_feed_without_a_secret_is_refused_before_the_body_is_read(api: Api, path: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{}"

    answer = api("POST", path, content=body(), headers={"Content-Type": "application/json"} | signed(b""))

    assert answer.status_code == 401
    assert answer.headers["connection"] == "close"  # the answer to a body that has not arrived


def test_a_signed_request_over_its_rate_gets_503(api: Api, newsroom: Newsroom) -> None:
    raw = json.dumps(ITEM).encode()
    form, headers = a_form("x.jpg", a_picture())
    newsroom.allowance = Allowance(is_allowed=False, quota=6_000, window_seconds=60, left=0, seconds=7)

    answers = [
        api.post(raw, FEED, **signed(raw)),
        api.post(raw, "/v1/articles?feed=superdesk", **signed(raw)),
        api("POST", ASSETS, content=form, headers=headers | signed(form)),
    ]

    assert [(each.status_code, each.headers["Retry-After"]) for each in answers] == [(503, "7")] * 3
    assert newsroom.calls == []
    assert len({sender for sender, _ in newsroom.counted}) == 1


def test_a_request_with_a_wrong_signature_takes_nothing_of_the_rate(api: Api, newsroom: Newsroom) -> None:
    assert api.post(ITEM, FEED, **signed(b"other bytes")).status_code == 401
    assert newsroom.counted == []


def test_feeds_of_one_name_at_two_sites_are_different_senders(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage
) -> None:
    add_secret(storage, "other", "superdesk", secret="the secret of the other", now=NOW)
    raw = json.dumps(ITEM).encode()

    answers = [
        api.post(raw, FEED, **signed(raw, secret), Idempotency_Key='"one-key"')
        for secret in (SECRET, "the secret of the other")
    ]

    assert [each.status_code for each in answers] == [202, 202]
    assert [call["site"].id for call in newsroom.calls] == ["epn", "other"]


@pytest.mark.parametrize("path", [*UNSIGNED_PATHS, "/v1/articles"])
def test_a_signature_counts_only_for_its_feed_and_site(api: Api, newsroom: Newsroom, path: str) -> None:
    raw = json.dumps(ITEM).encode()

    assert api("POST", path, content=raw, headers=signed(raw)).status_code == 401
    assert newsroom.calls == []


def test_a_feed_may_forbid_removals_by_signature(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, sites: dict[str, Site]
) -> None:
    feed = sites["epn"].feeds[1].model_copy(update={"signed_takedown": False})
    sites["epn"] = sites["epn"].model_copy(update={"feeds": (feed,)})
    add_secret(storage, "epn", "superdesk", secret=SECRET, now=NOW)
    api = Api(an_app(newsroom, storage, sites=sites), portal, None)

    assert api.post(ITEM, FEED, **signed(json.dumps(ITEM).encode())).status_code == 202
    assert newsroom.calls[0]["may_take_down"] is False


def test_two_secrets_are_valid_while_the_sender_changes_over(api: Api, storage: MemoryObjectStorage) -> None:
    add_secret(storage, "epn", "superdesk", secret="the next secret", now=NOW)
    raw = json.dumps(ITEM).encode()

    assert api.post(raw, FEED, **signed(raw)).status_code == 202
    assert api.post(raw, FEED, **signed(raw, "the next secret")).status_code == 202

    add_secret(storage, "epn", "superdesk", secret="the third secret", now=NOW)
    assert api.post(raw, FEED, **signed(raw)).status_code == 401
    assert "the third secret" not in repr(list_secrets(storage, "epn", "superdesk"))


@pytest.mark.parametrize("is_old", [False, True])
def test_a_webhook_of_ghost_is_verified_with_or_without_its_time(api: Api, newsroom: Newsroom, *, is_old: bool) -> None:
    raw = json.dumps(ITEM).encode()
    headers = signed_by_ghost(raw, int(NOW.timestamp() * 1_000), is_old=is_old)

    assert api.post(raw, FEED, **headers).status_code == 202
    assert len(newsroom.calls) == 1


def test_an_old_webhook_of_ghost_is_refused(api: Api) -> None:
    raw = json.dumps(ITEM).encode()
    stamp = int(NOW.timestamp() * 1_000)

    assert api.post(raw, FEED, **signed_by_ghost(raw, stamp - 3_600_000)).status_code == 401
    assert api.post(raw, FEED, **signed_by_ghost(raw, stamp + 3_600_000)).status_code == 401


def test_a_backlog_is_answered_with_503_because_superdesk_never_repeats_after_4xx(api: Api, newsroom: Newsroom) -> None:
    newsroom.error = BacklogFullError(BACKLOG_TEXT)
    raw = json.dumps(ITEM).encode()

    answer = api.post(raw, FEED, **signed(raw))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("status", ["superseded", "duplicate"])
def test_an_older_or_known_version_is_answered_with_200(api: Api, newsroom: Newsroom, status: Any) -> None:
    newsroom.status = status
    raw = json.dumps(ITEM).encode()

    assert api.post(raw, FEED, **signed(raw)).status_code == 200


def test_a_too_large_signed_body_is_refused(api: Api, newsroom: Newsroom) -> None:
    raw = b" " * 20_000

    assert api.post(raw, FEED, **signed(raw)).status_code == 413
    assert newsroom.calls == []


# --- assets ---------------------------------------------------------------------------------------------------------


def test_an_asset_is_asked_for_uploaded_and_then_known(api: Api, newsroom: Newsroom) -> None:
    media_id = "20261122/tower.jpg"
    raw, headers = a_form(media_id, a_picture())

    before = api("GET", f"{ASSETS}/{media_id}")
    stored = api("POST", ASSETS, content=raw, headers=headers | signed(raw))
    after = api("GET", f"{ASSETS}/{media_id}")
    again = api("POST", ASSETS, content=raw, headers=headers | signed(raw))

    assert [each.status_code for each in (before, stored, after, again)] == [404, 201, 200, 200]
    assert stored.json()["media"] == hashlib.sha256(a_picture()).hexdigest()
    assert newsroom.assets["epn", "superdesk", media_id].media == stored.json()["media"]
    assert after.json().get("media") is None


def test_a_file_that_is_no_picture_is_accepted_so_that_its_article_follows(api: Api) -> None:
    raw, headers = a_form("clip.mp4", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500)

    answer = api("POST", ASSETS, content=raw, headers=headers | signed(raw))

    assert answer.status_code == 201
    assert answer.json()["reason"]
    assert api("GET", f"{ASSETS}/clip.mp4").status_code == 200


def test_a_file_that_is_too_large_is_verified_as_a_whole_and_not_kept(api: Api) -> None:
    raw, headers = a_form("large.jpg", a_picture() + b"\x00" * 200_000)

    wrong = api("POST", ASSETS, content=raw, headers=headers | signed(raw[:-1]))
    answer = api("POST", ASSETS, content=raw, headers=headers | signed(raw))

    assert wrong.status_code == 401
    assert answer.status_code == 201
    assert answer.json()["reason"]


@pytest.mark.parametrize("headers", [{}, signed(b"something else")])
def test_an_unsigned_asset_is_refused(api: Api, newsroom: Newsroom, headers: dict[str, str]) -> None:
    raw, form = a_form("x.jpg", a_picture())

    assert api("POST", ASSETS, content=raw, headers=form | headers).status_code == 401
    assert newsroom.assets == {}


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"no boundary", "multipart/form-data; boundary=x", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n' * 40, "multipart/form-data; boundary=x", 400),
        (a_form("", b"x")[0], "multipart/form-data; boundary=c0ffee5d1f0d4c0ebd2e", 422),
    ],
)
def test_a_faulty_form_is_refused_with_a_reason(api: Api, raw: bytes, content_type: str, status: int) -> None:
    answer = api("POST", ASSETS, content=raw, headers={"Content-Type": content_type} | signed(raw))

    assert answer.status_code == status


def test_the_assets_of_a_feed_without_a_secret_cannot_be_asked_for(api: Api, newsroom: Newsroom) -> None:
    newsroom.store_asset("x.jpg", a_picture(), site=a_site("epn"), feed=Feed(id="desk", name="D", source="d"))

    assert api("GET", "/v1/feeds/desk/assets/x.jpg").status_code == 404


def test_a_form_is_read_byte_for_byte() -> None:
    media = b"\r\n--c0ff\x00\xff\r\n\r" + bytes(range(256))
    raw, headers = a_form("a/ü.jpg", media)
    fields = parse_form(raw, headers["Content-Type"])

    assert fields["media"].value == media
    assert fields["media_id"].value.decode() == "a/ü.jpg"
    assert not parse_form(raw[:-60], headers["Content-Type"])["media"].is_complete


# --- the command line -----------------------------------------------------------------------------------------------


def test_a_secret_is_added_shown_once_and_removed_by_the_command(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "content", lambda: storage)
    runner = CliRunner()

    made = runner.invoke(commands, ["feeds", "secret", "add", "newsroom"]).stdout.strip()
    runner.invoke(commands, ["feeds", "secret", "add", "newsroom", "--stdin"], input="chosen-by-the-desk\n")
    listed = runner.invoke(commands, ["feeds", "list"]).stdout

    assert _secrets(storage) == (made, "chosen-by-the-desk")
    assert "newsroom" in listed
    assert made not in listed

    runner.invoke(commands, ["feeds", "secret", "keep-newest", "newsroom"])
    assert _secrets(storage) == ("chosen-by-the-desk",)
    runner.invoke(commands, ["feeds", "secret", "remove", "newsroom"])
    assert _secrets(storage) == ()

    audited = runner.invoke(commands, ["audit", "--json"]).stdout.splitlines()
    assert [(each["event"], each["sites"], each["feeds"]) for each in map(json.loads, audited)] == [
        (event, ["epn"], ["newsroom"]) for event in ("secret.added", "secret.added", "secret.removed", "secret.removed")
    ]
    assert all(json.loads(each)["by"] == wiring.operator() for each in audited)
    assert made not in "".join(audited)
    assert "epn newsroom" in runner.invoke(commands, ["audit"], env={"COLUMNS": "200"}).stdout


def _secrets(storage: MemoryObjectStorage) -> tuple[str, ...]:
    return tuple(each.get_secret_value() for each in FeedSecrets(storage).find("epn", "newsroom"))


@pytest.mark.parametrize("has_one", [False, True])
def test_two_operators_at_the_same_time_lose_no_secret(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch, *, has_one: bool
) -> None:
    if has_one:
        add_secret(storage, "epn", "newsroom", secret="the first secret", now=NOW)
    put, is_other_done = storage.put, False

    def put_after_the_other(key: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal is_other_done
        if key.startswith("feed-secrets/") and not is_other_done:
            is_other_done = True
            add_secret(storage, "epn", "newsroom", secret="of the other operator", now=NOW)
        return put(key, *args, **kwargs)

    monkeypatch.setattr(storage, "put", put_after_the_other)
    add_secret(storage, "epn", "newsroom", secret="of one operator", now=NOW)

    assert _secrets(storage) == ("of the other operator", "of one operator")


@pytest.mark.parametrize("arguments", [["nowhere"], ["newsroom", "--site", "nowhere"]])
def test_a_secret_of_an_unknown_feed_is_refused(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(wiring, "content", lambda: storage)

    assert CliRunner().invoke(commands, ["feeds", "secret", "add", *arguments]).exit_code != 0
    assert list(storage.list_keys("feed-secrets/")) == []
