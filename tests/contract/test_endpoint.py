"""The endpoint's HTTP contract, with fakes for the rest of the service."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import AsyncIterator

import pytest
import structlog
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from PIL import Image

from services.ingest.adapters.readers import FORMATS
from services.ingest.domain.accepted import Accepted, AcceptedStatus
from services.ingest.domain.refusal import ArticleUnknownError, BacklogFullError, RefusedError
from services.ingest.ports import SubmissionMetadata
from shared.model.lane import Lane
from shared.runtime.errors import StorageConflictError, StorageUnavailableError
from shared.runtime.receipts import ReceiptStatus
from shared.runtime.tokens import mint
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, OWN, REVISION, Api, Newsroom, an_app, pointers, with_token

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = "words that are nobody's business"


@pytest.fixture
def app(newsroom: Newsroom, storage: MemoryObjectStorage) -> FastAPI:
    return an_app(newsroom, storage)


@pytest.fixture
def api(app: FastAPI, portal: BlockingPortal, storage: MemoryObjectStorage) -> Api:
    token = mint(storage, name="desk", scopes=["publish", "read"], sites=["epn"], now=NOW)
    return Api(app, portal, token)


# --- posting ------------------------------------------------------------------------------------------------------


def test_an_accepted_article_has_ids_and_a_receipt(api: Api) -> None:
    answer = api.post(OWN)
    reply = answer.json()

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/receipts/{reply['receipt']}" == reply["links"]["receipt"]
    assert (reply["site"], reply["status"], reply["revision"]) == ("epn", "accepted", REVISION)
    assert reply["report"]["format"] == "pressline-article-1"
    assert api("GET", answer.headers["location"]).status_code == 200


def test_the_handler_gets_feed_site_time_and_the_right_to_remove(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage
) -> None:
    api.post(OWN)
    with_token(api, storage, "publish", "takedown").post(OWN)

    first, second = newsroom.calls
    assert (first["feed"].id, first["site"].id, first["received_at"]) == ("newsroom", "epn", NOW)
    assert first["content_type"] == "application/json"
    assert json.loads(first["raw"]) == OWN
    assert (first["may_take_down"], second["may_take_down"]) == (False, True)


@pytest.mark.parametrize("status", ["duplicate", "superseded"])
def test_a_submission_without_effect_is_answered_with_200(api: Api, newsroom: Newsroom, status: AcceptedStatus) -> None:
    newsroom.status = status
    answer = api.post(OWN)

    assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_an_embargoed_article_is_scheduled_and_not_waited_for(api: Api, newsroom: Newsroom) -> None:
    newsroom.status = "scheduled"
    answer = api.post(OWN, Prefer="wait=5")

    assert (answer.status_code, answer.json()["status"]) == (202, "scheduled")
    assert newsroom.waited == []


def test_prefer_wait_returns_the_url_once_the_page_is_live(api: Api, newsroom: Newsroom) -> None:
    newsroom.final_status = ReceiptStatus.LIVE
    answer = api.post(OWN, Prefer="wait=5")

    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=5"
    assert (answer.json()["status"], answer.json()["url"]) == ("live", "https://epn.example/news/x/")


def test_prefer_wait_returns_202_after_its_time(api: Api, newsroom: Newsroom) -> None:
    answer = api.post(OWN, Prefer="wait=5")

    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert newsroom.waited == [5]


def test_a_duplicate_of_an_unfinished_submission_is_not_final(api: Api, newsroom: Newsroom) -> None:
    newsroom.status = "duplicate"
    answer = api.post(OWN, Prefer="wait=5")

    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert "still being processed" in answer.json()["reason"]


def test_prefer_wait_is_limited(api: Api, newsroom: Newsroom) -> None:
    answer = api.post(OWN, Prefer="wait=100000")

    assert newsroom.waited == [30]
    assert answer.headers["preference-applied"] == "wait=30"


def test_respond_async_answers_before_anything_is_read(api: Api, newsroom: Newsroom) -> None:
    answer = api.post(b"not even json", Prefer="respond-async")
    reply = answer.json()

    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert (reply["receipt"], reply["status"], reply["article"]) == ("c0ffee", "accepted", None)
    assert newsroom.calls[0]["raw"] == b"not even json"


def test_a_delay_of_publication_is_a_warning(api: Api, newsroom: Newsroom) -> None:
    assert api.post(OWN, Prefer="respond-async").json()["report"] is None

    newsroom.warning = "it is stored, and publication is delayed"
    answer = api.post(OWN, Prefer="respond-async")

    assert answer.status_code == 202
    assert answer.json()["report"]["warnings"] == [newsroom.warning]


@pytest.mark.parametrize("prefer", ["", "respond-async"])
def test_the_sender_chooses_the_lane_and_the_default_is_live(api: Api, newsroom: Newsroom, prefer: str) -> None:
    api.post(OWN, Prefer=prefer)
    api.post(OWN, "/v1/articles?lane=bulk", Prefer=prefer)

    assert [call["lane"] for call in newsroom.calls] == [Lane.LIVE, Lane.BULK]
    assert api.post(OWN, "/v1/articles?lane=urgent", Prefer=prefer).status_code == 422


# --- taking down, bringing back -----------------------------------------------------------------------------------

ARTICLE = "a" * 26
KINDS = ["kill", "withdraw", "restore"]


@pytest.fixture
def editor(api: Api, storage: MemoryObjectStorage) -> Api:
    return with_token(api, storage, "takedown")


@pytest.mark.parametrize("kind", KINDS)
def test_an_action_is_accepted_like_a_post(editor: Api, newsroom: Newsroom, kind: str) -> None:
    answer = editor.post({"why": "The court has ordered it."}, f"/v1/articles/{ARTICLE}/{kind}?site=epn")
    reply = answer.json()

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/receipts/{reply['receipt']}"
    assert (reply["status"], reply["article"], reply["revision"]) == ("accepted", ARTICLE, REVISION)
    [call] = newsroom.calls
    assert (call["kind"], call["article"], call["site"].id) == (kind, ARTICLE, "epn")
    assert (call["by"], call["why"], call["received_at"]) == ("x", "The court has ordered it.", NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reason_of_an_action_is_optional(editor: Api, newsroom: Newsroom, kind: str) -> None:
    assert editor("POST", f"/v1/articles/{ARTICLE}/{kind}").status_code == 202
    assert newsroom.calls[0]["why"] == ""


def test_a_restore_names_the_revision_of_its_text(editor: Api) -> None:
    assert editor("POST", f"/v1/articles/{ARTICLE}/restore").json()["text_of"] == REVISION


def test_an_action_follows_prefer_wait_and_ignores_respond_async(editor: Api, newsroom: Newsroom) -> None:
    newsroom.final_status = ReceiptStatus.KILLED
    answer = editor("POST", f"/v1/articles/{ARTICLE}/kill", headers={"Prefer": "wait=5, respond-async"})

    assert (answer.status_code, answer.json()["status"]) == (200, "killed")
    assert answer.headers["preference-applied"] == "wait=5"


def test_an_action_that_changes_nothing_is_answered_with_200(editor: Api, newsroom: Newsroom) -> None:
    newsroom.status = "duplicate"
    answer = editor("POST", f"/v1/articles/{ARTICLE}/kill")

    assert (answer.status_code, answer.json()["status"]) == (200, "duplicate")


@pytest.mark.parametrize("kind", KINDS)
def test_removals_and_restores_need_the_scope_takedown(api: Api, newsroom: Newsroom, kind: str) -> None:
    assert api("POST", f"/v1/articles/{ARTICLE}/{kind}").status_code == 403
    assert newsroom.calls == []


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"{", 400, []),
        (b"[]", 422, [""]),
        ({"because": "x"}, 422, ["/because"]),
        ({"why": 5}, 422, ["/why"]),
        ({"why": "x" * 2_001}, 422, ["/why"]),
        (b"x" * 20_000, 413, []),
    ],
)
def test_an_invalid_body_of_an_action_is_refused(
    editor: Api, newsroom: Newsroom, body: object, status: int, where: list[str]
) -> None:
    answer = editor.post(body, f"/v1/articles/{ARTICLE}/kill")

    assert (answer.status_code, pointers(answer)) == (status, where)
    assert newsroom.calls == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ArticleUnknownError("x"), 404),
        (RefusedError(409, "the article is killed"), 409),
        (StorageUnavailableError("x"), 503),
    ],
)
def test_an_impossible_action_has_its_status(editor: Api, newsroom: Newsroom, error: Exception, status: int) -> None:
    newsroom.error = error

    assert editor("POST", f"/v1/articles/{ARTICLE}/withdraw").status_code == status


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"not json", 400, []),
        (b"", 400, []),
        (b"\x00\xff", 400, []),
        (b'{"headline": "\\ud800"}', 400, []),
        (b"[" * 5_000, 400, []),
        (b"[]", 422, [""]),
        (b"<newsPaper/>", 415, []),
        (OWN | {"headline": ""}, 422, ["/headline"]),
        (OWN | {"headline": 5}, 422, ["/headline"]),
        (OWN | {"section": "nowhere"}, 422, ["/section"]),
        (OWN | {"slug": "../../x"}, 422, ["/slug"]),
        (OWN | {"byline": "a\u0007"}, 422, ["/byline"]),
        (OWN | {"body": ""}, 422, ["/body"]),
        (OWN | {"version": 10**4_000}, 422, ["/version"]),
    ],
)
def test_bad_input_has_its_stated_answer(api: Api, body: object, status: int, where: list[str]) -> None:
    answer = api.post(body)

    assert (answer.status_code, pointers(answer)) == (status, where)


def test_a_body_over_the_limit_is_refused_before_it_is_parsed(api: Api, newsroom: Newsroom) -> None:
    answer = api.post(b"[" * 10_001)

    assert answer.status_code == 413
    assert newsroom.calls == []


def test_a_body_without_a_declared_length_is_limited_while_it_is_read(api: Api, newsroom: Newsroom) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1_000

    answer = api("POST", "/v1/articles", content=endless())

    assert answer.status_code == 413
    assert taken <= 13  # two are read after the refusal, and not kept
    assert newsroom.calls == []


def test_a_compressed_body_is_refused(api: Api) -> None:
    assert api.post(OWN, Content_Encoding="gzip").status_code == 415


def test_a_refusal_is_logged_by_pointer_and_never_by_text(api: Api) -> None:
    with structlog.testing.capture_logs() as logs:
        api.post(OWN | {"headline": "", "standfirst": SECRET, "byline": SECRET + "\u0007"})

    [refused] = [line for line in logs if line["event"] == "request.refused"]
    assert refused["pointers"] == ["/headline", "/byline"]
    assert SECRET not in str(logs)


# --- who may do what ----------------------------------------------------------------------------------------------


def test_without_a_token_nothing_is_accepted(api: Api, newsroom: Newsroom) -> None:
    answer = Api(api.app, api.portal, None).post(OWN)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert newsroom.calls == []


@pytest.mark.parametrize("header", ["Bearer prl_guess", "Bearer ", "Basic cHJs", "prl_x", "Bearer x y"])
def test_an_unknown_token_is_refused(api: Api, header: str) -> None:
    answer = Api(api.app, api.portal, None).post(OWN, Authorization=header)

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


def test_a_token_is_limited_to_its_scopes(api: Api, storage: MemoryObjectStorage) -> None:
    reader = with_token(api, storage, "read")

    assert reader.post(OWN).status_code == 403
    assert reader.post(b"", "/v1/media").status_code == 403
    assert reader("GET", "/v1/receipts/c0ffee").status_code == 200
    assert with_token(api, storage, "ops")("GET", "/v1/receipts/c0ffee").status_code == 403


def test_a_token_is_limited_to_its_sites(api: Api) -> None:
    assert api.post(OWN, "/v1/articles?site=epn").status_code == 202
    assert api.post(OWN, "/v1/articles?site=other").status_code == 403
    assert api.post(OWN, "/v1/articles?site=unheard-of").status_code == 403
    assert api("GET", "/v1/receipts/other").status_code == 404


def test_with_several_sites_the_request_must_name_one(api: Api, storage: MemoryObjectStorage) -> None:
    both = with_token(api, storage, "publish", sites=("epn", "other"))

    assert both.post(OWN).status_code == 422
    assert "epn, other" in both.post(OWN).json()["detail"]
    assert both.post(OWN, "/v1/articles?site=other").json()["site"] == "other"


def test_a_token_of_a_removed_site_has_no_access(api: Api, storage: MemoryObjectStorage) -> None:
    assert with_token(api, storage, "publish", sites=("closed",)).post(OWN).status_code == 403


# --- when things are down -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [StorageUnavailableError("x"), StorageConflictError("x")])
def test_while_the_store_is_down_the_answer_is_503_with_retry_after(
    api: Api, newsroom: Newsroom, error: Exception
) -> None:
    newsroom.error = error
    for prefer in ("", "respond-async"):
        answer = api.post(OWN, Prefer=prefer)

        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("prefer", ["", "respond-async"])
def test_a_full_backlog_is_answered_with_503_and_retry_after(api: Api, newsroom: Newsroom, prefer: str) -> None:
    newsroom.error = BacklogFullError("20001 messages wait")
    answer = api.post(OWN, "/v1/articles?lane=bulk", Prefer=prefer)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "20001 messages wait" in answer.json()["detail"]
    assert "nothing was accepted" in answer.json()["detail"]


def test_an_unexpected_error_has_an_id_and_no_details(api: Api, newsroom: Newsroom) -> None:
    newsroom.error = RuntimeError(SECRET)
    with structlog.testing.capture_logs() as logs:
        answer = api.post(OWN, X_Request_Id="desk-17")

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "desk-17"
    assert answer.json()["instance"] == "urn:pressline:request:desk-17"
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert any(line["event"] == "request.failed" for line in logs)


def test_a_request_id_that_could_forge_a_log_is_replaced(api: Api) -> None:
    answer = api.post(OWN, X_Request_Id="a b{}")

    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


def test_a_requests_trace_reaches_those_who_handle_it_and_its_log_line(api: Api, newsroom: Newsroom) -> None:
    bound = structlog.testing.LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, bound])
    try:
        for header in (TRACE, "forged\x7f", ""):
            api.post(OWN, **({"Traceparent": header} if header else {}))
    finally:
        structlog.reset_defaults()

    assert newsroom.traces == [TRACE, None, None]
    answered = [line for line in bound.entries if line["event"] == "request.answered"]
    assert [line.get("trace_parent") for line in answered] == [TRACE, None, None]


def test_readiness_names_what_is_down(api: Api, newsroom: Newsroom) -> None:
    assert api("GET", "/readyz").json() == {"status": "ready"}

    newsroom.down = ["the object store does not answer", "the clock is 9 s off"]
    answer = api("GET", "/readyz")

    assert answer.status_code == 503
    assert [fault["detail"] for fault in answer.json()["errors"]] == newsroom.down
    assert api("GET", "/healthz").json() == {"status": "ok"}


# --- asking -------------------------------------------------------------------------------------------------------


def test_a_receipt_has_stages_and_pages(api: Api, newsroom: Newsroom) -> None:
    newsroom.final_status = ReceiptStatus.LIVE
    reply = api("GET", "/v1/receipts/c0ffee").json()

    assert reply["status"] == "live"
    assert reply["stages"] == [{"name": "accepted", "at": "2026-11-22T12:00:00Z"}]
    assert reply["pages"][0]["path"] == "news/x/index.html"
    assert reply["links"]["article"] == f"/v1/articles/{'a' * 26}?site=epn"


def test_the_state_of_an_article_is_returned(api: Api) -> None:
    reply = api("GET", f"/v1/articles/{'a' * 26}").json()

    assert (reply["status"], reply["headline"], reply["revisions"]) == ("live", "Bridge reopens", 1)


@pytest.mark.parametrize(
    "path", ["/v1/receipts/nothing", "/v1/receipts/%00", "/v1/receipts/..%2f", "/v1/articles/x", "/v1/articles/%ff"]
)
def test_an_unknown_object_is_a_404(api: Api, path: str) -> None:
    assert api("GET", path).status_code == 404


def test_wrong_addresses_and_methods_are_problems_too(api: Api) -> None:
    assert api("GET", "/nowhere").status_code == 404
    answer = api("DELETE", "/v1/articles")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


# --- pictures -----------------------------------------------------------------------------------------------------


def a_picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, kind)
    return out.getvalue()


def test_a_picture_is_stored_under_its_digest_once(api: Api) -> None:
    first, again = (api.post(a_picture(), "/v1/media", Content_Type="image/png") for _ in range(2))
    reply = first.json()

    assert (first.status_code, again.status_code) == (201, 200)
    assert reply["media"] == hashlib.sha256(a_picture()).hexdigest()
    assert (reply["content_type"], reply["width"], reply["height"]) == ("image/png", 40, 30)
    assert reply["links"]["rendition"] == f"media:{reply['media']}"


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 400), (b"<svg/>", 415), (b"\x89PNG\r\n\x1a\n", 400), (b"\xff\xd8\xff" + b"x" * 50_000, 413)],
)
def test_bytes_that_are_no_picture_are_refused(api: Api, data: bytes, status: int) -> None:
    assert api.post(data, "/v1/media", Content_Type="image/png").status_code == status


# --- the description ----------------------------------------------------------------------------------------------


def test_the_description_is_complete_openapi_3_1(api: Api) -> None:
    described = api("GET", "/openapi.json").json()
    schemas = described["components"]["schemas"]

    assert described["openapi"].startswith("3.1")
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)):
        assert reference in schemas
    assert schemas["ArticleForm"]["required"] == ["source_id", "headline", "body"]


def test_the_examples_of_the_description_are_accepted(api: Api) -> None:
    described = api("GET", "/openapi.json").json()
    body = described["paths"]["/v1/articles"]["post"]["requestBody"]["content"]
    assert {name for content in body.values() for name in content["examples"]} == {each.name for each in FORMATS}
    for kind, content in body.items():
        for example in content["examples"].values():
            article = example["value"]
            if isinstance(article, dict):
                article.pop("section", None)  # the site of this test has one section
            sent = article.encode() if isinstance(article, str) else article
            assert api.post(sent, Content_Type=kind).status_code in (200, 202)


def test_the_documentation_page_loads_no_other_resources(api: Api) -> None:
    answer = api("GET", "/docs")

    assert answer.status_code == 200
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name in re.findall(r'(?:src|href)="(/docs/[^"]+)"', answer.text):
        assert len(api("GET", name).content) > 100, name
    assert api("GET", "/docs/../secrets").status_code == 404


def test_requests_are_counted_by_route_and_not_by_id(api: Api) -> None:
    api("GET", "/v1/receipts/c0ffee")
    metrics = api("GET", "/metrics").text

    assert 'route="/v1/receipts/{receipt}"' in metrics
    assert "c0ffee" not in metrics


# --- one article to several sites ---------------------------------------------------------------------------------


def of_both(api: Api, storage: MemoryObjectStorage) -> Api:
    return with_token(api, storage, "publish", "read", sites=("epn", "other"))


@pytest.mark.parametrize("prefer", ["", "respond-async"])
def test_an_article_for_several_sites_is_canonical_at_the_first(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage, prefer: str
) -> None:
    answer = of_both(api, storage).post(OWN, "/v1/articles?site=other&site=epn&site=other", Prefer=prefer)

    assert (answer.status_code, answer.json()["site"]) == (202, "other")
    [also] = answer.json()["also"]
    assert (also["site"], also["status"]) == ("epn", "accepted")
    assert also["links"]["receipt"] == f"/v1/receipts/{also['receipt']}"
    sites = [(call["site"].id, call["canonical_site"]) for call in newsroom.calls]
    assert sites == [("other", None), ("epn", "other")]


def test_an_article_for_one_site_has_no_further_results(api: Api, newsroom: Newsroom) -> None:
    assert api.post(OWN, "/v1/articles?site=epn").json()["also"] is None
    assert newsroom.calls[0]["canonical_site"] is None


def test_a_token_must_be_bound_to_every_named_site(api: Api, newsroom: Newsroom) -> None:
    answer = api.post(OWN, "/v1/articles?site=epn&site=other&site=unheard-of")

    assert answer.status_code == 403
    assert "other, unheard-of" in answer.json()["detail"]
    assert newsroom.calls == []


def test_an_article_refused_at_the_first_site_is_accepted_nowhere(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage
) -> None:
    answer = of_both(api, storage).post(OWN | {"section": "nowhere"}, "/v1/articles?site=epn&site=other")

    assert (answer.status_code, pointers(answer)) == (422, ["/section"])
    assert len(newsroom.calls) == 1


def test_the_answer_is_202_until_every_site_is_final(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage
) -> None:
    taken = newsroom.accept

    def accept(raw: bytes, metadata: SubmissionMetadata) -> Accepted:
        newsroom.status = "accepted" if metadata.canonical_site else "duplicate"
        return taken(raw, metadata)

    changing = Newsroom()
    changing.accept = accept  # type: ignore[method-assign]
    both = Api(an_app(changing, storage), api.portal, of_both(api, storage).token)
    answer = both.post(OWN, "/v1/articles?site=epn&site=other")

    assert (answer.status_code, answer.json()["status"], answer.json()["also"][0]["status"]) == (
        202,
        "duplicate",
        "accepted",
    )


@pytest.mark.parametrize("field", ["canonical_site", "canonical_article"])
def test_an_article_may_not_name_its_canonical_site(api: Api, field: str) -> None:
    answer = api.post(OWN | {field: "other"})

    assert (answer.status_code, pointers(answer)) == (422, [f"/{field}"])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v1/articles?dryrun=1", "did you mean dry_run?"),
        ("/v1/articles/aaaaaaaaaaaaaaaaaaaaaaaaaa/kill?dry_run=1", "has no parameter 'dry_run'"),
        ("/v1/batches?lane=live", "it has"),
    ],
)
def test_an_unknown_parameter_is_refused_and_nothing_is_done(api: Api, path: str, text: str) -> None:
    answer = api.post(OWN, path)

    assert answer.status_code == 422
    assert text in answer.json()["detail"]
