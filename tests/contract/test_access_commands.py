"""`pressline tokens` and `pressline audit` against a real store."""

from __future__ import annotations

import json
import os
import pwd
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.desk import wiring
from services.desk.__main__ import app
from shared.model.article import Article, Status
from shared.model.revision import Action, Revision
from shared.runtime import audit
from shared.runtime.audit import AuditEntry, AuditEvent
from shared.runtime.settings import ServiceSettings
from shared.runtime.tokens import Tokens, find_token, hash_of
from shared.site import keys
from shared.storage.s3 import S3ObjectStorage

ARTICLE = keys.article_id("epn", "desk", "a-1")
REVISION = "01793527200000000-0000000000-000"
TOKEN = re.compile(r"^prl_[\w-]{43}$", re.MULTILINE)


@dataclass
class Desk:
    """The command line, with its store."""

    storage: S3ObjectStorage

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    def create(self, *options: str) -> str:
        result = self("tokens", "create", *options)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    def audited(self, *options: str) -> list[dict[str, Any]]:
        result = self("audit", "--json", *options)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def desk(store_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("COLUMNS", "200")
    storage = S3ObjectStorage(store_settings, "access-commands")
    storage.ensure_bucket()
    for key in list(storage.list_keys("")):
        storage.delete(key)
    monkeypatch.setattr(wiring, "content", lambda: storage)
    return Desk(storage)


def test_a_created_token_has_its_expiry_and_its_rate(desk: Desk) -> None:
    token = desk.create("--name", "CMS", "--site", "epn", "--expires", "30d", "--rate", "600")

    record = find_token(desk.storage, token)
    assert record is not None
    assert record.expires_at is not None
    assert timedelta(days=29) < record.expires_at - datetime.now(UTC) <= timedelta(days=30)
    assert record.requests_per_minute == 600


@pytest.mark.parametrize("options", [("--expires", "2020-01-01"), ("--rate", "-1"), ("--site", "nowhere")])
def test_an_impossible_token_is_refused(desk: Desk, options: tuple[str, ...]) -> None:
    assert desk("tokens", "create", *options).exit_code == 2
    assert list(desk.storage.list_keys("")) == []


def test_the_list_shows_the_expiry_and_never_a_token(desk: Desk) -> None:
    tokens = [desk.create("--name", "one"), desk.create("--name", "two", "--expires", "2099-01-01", "--rate", "0")]

    shown = desk("tokens", "list").stdout

    one, two = (line for line in shown.splitlines()[1:])
    assert "never" in one
    assert "default" in one
    assert "2099-01-01" in two or "2098-12-31" in two
    assert "no limit" in two
    assert not any(token in shown for token in tokens)
    assert all(hash_of(token)[:12] in shown for token in tokens)


def test_a_rotation_prints_the_successor_once_and_ends_the_old_token(desk: Desk) -> None:
    old = desk.create("--name", "CMS")
    result = desk("tokens", "rotate", hash_of(old)[:12], "--grace", "0s")

    new = TOKEN.fullmatch(result.stdout.strip())
    assert new is not None, result.output
    assert (Tokens(desk.storage).find(old), Tokens(desk.storage).find(new[0]) is not None) == (None, True)
    assert "expired" in desk("tokens", "list").stdout
    assert desk("tokens", "rotate", hash_of(old)[:12]).exit_code == 1


def test_a_wrong_grace_is_refused(desk: Desk) -> None:
    old = desk.create()

    assert desk("tokens", "rotate", hash_of(old)[:12], "--grace", "soon").exit_code == 2
    assert len(list(desk.storage.list_keys(keys.TOKENS_PREFIX))) == 1


def test_each_change_of_a_token_is_audited_with_the_user_of_the_machine(desk: Desk) -> None:
    token = desk.create("--name", "CMS", "--site", "epn")
    desk("tokens", "rotate", hash_of(token)[:12])
    desk("tokens", "revoke", hash_of(token)[:12])

    found = desk.audited()

    assert [each["event"] for each in found] == ["token.created", "token.rotated", "token.revoked"]
    assert {each["token"] for each in found} == {hash_of(token)[:12]}
    assert {each["by"].partition("@")[0] for each in found} == {pwd.getpwuid(os.getuid()).pw_name}
    assert token not in json.dumps(found)
    assert desk.audited("--site", "almina") == []


def takedown(desk: Desk, entry: Callable[[datetime], AuditEntry], why: str) -> None:
    now = datetime.now(UTC)
    article = Article(
        site="epn",
        source="desk",
        source_id="a-1",
        status=Status.CANCELED,
        headline="Bridge",
        section="news",
        language="en",
        body="",
    )
    revision = Revision(
        article_id=ARTICLE,
        revision=REVISION,
        status=Status.CANCELED,
        accepted_at=now,
        raw_sha256="a" * 64,
        raw_key="raw/epn/x",
        article=article,
        action=Action(kind="kill", by="lawyer", why=why),
    )
    desk.storage.put(keys.revision_key("epn", ARTICLE, REVISION), revision.model_dump_json().encode())
    audit.note(desk.storage, entry(now))


def a_kill(now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        event=AuditEvent.KILL,
        by="lawyer",
        request="4bf92f3577b34da6",
        site="epn",
        article=ARTICLE,
        revision=REVISION,
        outcome="accepted",
    )


def test_a_takedown_is_shown_with_the_reason_of_its_revision(desk: Desk) -> None:
    takedown(desk, a_kill, why="a judge\u202e ordered\x1b[2J it")

    [found] = desk.audited("--site", "epn")
    shown = desk("audit").stdout

    assert (found["event"], found["by"], found["request"]) == ("kill", "lawyer", "4bf92f3577b34da6")
    assert found["why"].startswith("a judge")
    assert "lawyer" in shown
    assert ARTICLE in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown


def test_nothing_of_another_time_or_site_is_shown(desk: Desk) -> None:
    takedown(desk, a_kill, why="")

    assert desk.audited("--since", "2020-01-01", "--until", "2020-02-01") == []
    assert desk.audited("--site", "almina") == []
    assert "Nothing in this time." in desk("audit", "--site", "almina").stdout
