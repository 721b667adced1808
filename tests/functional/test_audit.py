"""Each takedown and restore has one entry in the audit log, also after failures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import structlog

from services.desk.handler.audit import audited_changes
from services.ingest.domain.author import Author, author
from shared.messaging.messages import Message
from shared.model.history import StoredRevisions
from shared.model.revision import ActionKind
from shared.runtime import audit
from shared.runtime.audit import AuditEntry
from shared.runtime.errors import StorageUnavailableError
from shared.site import keys
from tests.functional.conftest import Pipeline, an_article


def entries(pipeline: Pipeline) -> list[AuditEntry]:
    since = pipeline.now - timedelta(days=1)
    return list(audit.entries(pipeline.content, since=since, until=pipeline.now + timedelta(minutes=1), site="epn"))


@pytest.fixture(autouse=True)
def sender() -> Iterator[None]:
    """Yield while a request of a token is handled."""
    token = author.set(Author("wire-token", "request-1"))
    yield
    author.reset(token)


@pytest.mark.parametrize("kind", ["kill", "withdraw"])
def test_an_action_is_noted_with_its_author_and_its_request(pipeline: Pipeline, kind: ActionKind) -> None:
    accepted = pipeline.post()
    pipeline.act(kind, accepted.article, by="lawyer", why="the court ordered it")
    pipeline.act("restore", accepted.article, by="editor", why="the court was wrong")

    found = entries(pipeline)

    assert [(each.event.value, each.by, each.request) for each in found] == [
        (kind, "lawyer", "request-1"),
        ("restore", "editor", "request-1"),
    ]
    assert [each.article for each in found] == [accepted.article] * 2
    since, until = pipeline.now - timedelta(days=1), pipeline.now + timedelta(minutes=1)
    changes = audited_changes(pipeline.content, StoredRevisions(pipeline.content), since=since, until=until)
    assert [change.why for change in changes] == ["the court ordered it", "the court was wrong"]


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal_by_the_status_of_an_item_is_noted_with_its_token(pipeline: Pipeline, status: str) -> None:
    pipeline.post()
    removal = pipeline.post(status=status, version_created="2026-11-01T11:00:00Z")

    [entry] = entries(pipeline)

    assert (entry.event.value, entry.by, entry.revision) == (status, "wire-token", removal.revision)
    assert entry.outcome == "accepted"


def test_a_removal_that_a_worker_reads_is_noted_with_the_token_of_its_sender(pipeline: Pipeline) -> None:
    pipeline.post()
    removal = an_article(status="canceled", version_created="2026-11-01T11:00:00Z")
    pipeline.submit(json.dumps(removal).encode(), may_take_down=True)
    reset = author.set(Author())  # the worker handles no request
    pipeline.run()
    author.reset(reset)

    [entry] = entries(pipeline)

    assert (entry.event.value, entry.by, entry.request) == ("canceled", "wire-token", "request-1")


def test_a_removal_without_an_article_is_noted_as_unmatched(pipeline: Pipeline) -> None:
    pipeline.post(status="canceled", source_id="never-seen")

    assert [each.outcome for each in entries(pipeline)] == ["unmatched"]


def test_a_text_is_not_noted(pipeline: Pipeline) -> None:
    pipeline.post()

    assert entries(pipeline) == []


def test_a_repeated_removal_has_one_entry(pipeline: Pipeline) -> None:
    article = pipeline.post().article
    for by in ("lawyer", "editor"):
        pipeline.act("kill", article, by=by)

    assert [each.by for each in entries(pipeline)] == ["lawyer"]


def test_an_entry_that_was_lost_with_its_process_is_written_by_the_repeated_kill(pipeline: Pipeline) -> None:
    article = pipeline.post().article
    pipeline.act("kill", article, by="lawyer")
    [key] = pipeline.content.list_keys(keys.AUDIT_PREFIX)
    before = pipeline.content.get(key).body
    pipeline.content.delete(key)

    pipeline.act("kill", article, by="lawyer")

    assert json.loads(pipeline.content.get(key).body) == json.loads(before) | {"outcome": "duplicate"}


def failing_audit(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, failures: int) -> list[str]:
    """Let the next PUTs of audit entries fail; return the list of all attempts."""
    put, attempts = pipeline.content.put, []

    def put_or_fail(key: str, *args: Any, **kwargs: Any) -> Any:
        if key.startswith(keys.AUDIT_PREFIX):
            attempts.append(key)
            if len(attempts) <= failures:
                raise StorageUnavailableError(key)
        return put(key, *args, **kwargs)

    monkeypatch.setattr(pipeline.content, "put", put_or_fail)
    return attempts


@pytest.mark.usefixtures("no_backoff")
def test_a_kill_passes_and_its_entry_is_tried_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    article = pipeline.post().article
    attempts = failing_audit(pipeline, monkeypatch, failures=2)

    assert pipeline.act("kill", article).status == "accepted"
    assert len(attempts) == 3
    assert [each.event.value for each in entries(pipeline)] == ["kill"]


@pytest.mark.usefixtures("no_backoff")
def test_an_entry_that_cannot_be_written_is_an_error_with_all_its_facts(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = pipeline.post().article
    failing_audit(pipeline, monkeypatch, failures=1_000)

    with structlog.testing.capture_logs() as logs:
        assert pipeline.act("kill", article, by="lawyer").status == "accepted"

    [line] = [each for each in logs if each["event"] == "audit_entry.failed"]
    assert line["log_level"] == "error"
    assert (line["entry"]["by"], line["entry"]["article"], line["entry"]["event"]) == ("lawyer", article, "kill")


def test_the_event_of_a_kill_does_not_wait_for_the_entry(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    article = pipeline.post().article
    put, emit, is_emitted = pipeline.content.put, pipeline.ingest_deps.emit, Event()

    def put_after_the_event(key: str, *args: Any, **kwargs: Any) -> Any:
        assert not key.startswith(keys.AUDIT_PREFIX) or is_emitted.wait(10)
        return put(key, *args, **kwargs)

    def emit_and_tell(messages: Iterable[Message]) -> None:
        emit(messages)
        is_emitted.set()

    monkeypatch.setattr(pipeline.content, "put", put_after_the_event)
    with ThreadPoolExecutor(2) as executor:
        pipeline.ingest_deps = replace(pipeline.ingest_deps, emit=emit_and_tell, executor=executor)
        pipeline.act("kill", article)

    assert len(entries(pipeline)) == 1


def test_an_unreadable_entry_is_logged_and_the_others_are_shown(pipeline: Pipeline) -> None:
    pipeline.act("kill", pipeline.post().article)
    key = keys.audit_key(pipeline.now, "of-another-program")
    pipeline.content.put(key, b"{}")

    with structlog.testing.capture_logs() as logs:
        assert [each.event.value for each in entries(pipeline)] == ["kill"]

    assert [line["key"] for line in logs if line["event"] == "audit_entry.unreadable"] == [key]
