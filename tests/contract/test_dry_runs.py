"""`?dry_run=1`: the reply of the endpoint, and its refusals."""

from __future__ import annotations

import json

import pytest
from anyio.from_thread import BlockingPortal

from services.ingest.domain.refusal import BacklogFullError, DryRunUnavailableError
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import BACKLOG_TEXT, OWN, Api, Newsroom, an_app, with_token


@pytest.fixture
def api(newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal) -> Api:
    return with_token(Api(an_app(newsroom, storage), portal, None), storage, "publish")


@pytest.mark.parametrize("path", ["/v1/articles?dry_run=1", "/v1/feeds/newsroom?dry_run=true"])
def test_a_dry_run_answers_with_the_article_its_page_and_the_changes(api: Api, newsroom: Newsroom, path: str) -> None:
    answer = api.post(OWN, path, Prefer="wait=5")

    reply = answer.json()
    assert answer.status_code == 200
    assert (reply["dry_run"], reply["status"], reply["site"]) == (True, "accepted", "epn")
    assert reply["article"]["headline"] == OWN["headline"]
    assert reply["html"] == "<p>The page.</p>"
    assert reply["changes"] == [
        {"path": "index.html", "url": "https://epn.example/", "why": "lists the newest articles"}
    ]
    assert reply["report"]["kept"]
    assert not {"receipt", "location"} & {*reply, *answer.headers}
    assert newsroom.calls == []
    assert newsroom.waited == []


def test_the_results_of_several_entries_are_apart(api: Api, newsroom: Newsroom) -> None:
    newsroom.entries = 2

    reply = api.post(OWN, "/v1/articles?dry_run=1").json()

    assert [entry["article"]["headline"] for entry in reply["entries"]] == [OWN["headline"]] * 2
    assert [reply["article"], reply["changes"]] == [None, None]


def test_each_further_site_has_its_own_result(newsroom: Newsroom, storage: MemoryObjectStorage, api: Api) -> None:
    both = with_token(api, storage, "publish", sites=("epn", "other"))

    reply = both.post(OWN, "/v1/articles?dry_run=1&site=epn&site=other").json()

    assert reply["site"] == "epn"
    assert [(each["site"], len(each["changes"])) for each in reply["also"]] == [("other", 1)]


def test_a_refusal_is_the_problem_of_a_post(api: Api) -> None:
    faulty = {"headline": ""}

    dry, posted = api.post(faulty, "/v1/articles?dry_run=1"), api.post(faulty)

    assert dry.status_code == posted.status_code == 422
    assert dry.json()["errors"] == posted.json()["errors"]


def test_a_dry_run_needs_the_scope_of_a_post(api: Api, storage: MemoryObjectStorage) -> None:
    assert with_token(api, storage, "read").post(OWN, "/v1/articles?dry_run=1").status_code == 403


@pytest.mark.parametrize(
    "error", [DryRunUnavailableError("other dry runs are running"), BacklogFullError(BACKLOG_TEXT)]
)
def test_a_dry_run_that_cannot_be_made_now_is_tried_again_later(api: Api, newsroom: Newsroom, error: Exception) -> None:
    newsroom.error = error

    answer = api.post(OWN, "/v1/articles?dry_run=1")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert str(error) in answer.json()["detail"]


def test_the_description_has_the_reply_of_a_dry_run(api: Api) -> None:
    text = json.dumps(api.app.openapi()["paths"]["/v1/articles"]["post"])

    assert "#/components/schemas/DryRunReply" in text
    assert "dry_run" in text
