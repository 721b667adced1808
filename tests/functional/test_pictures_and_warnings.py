"""Pictures from the upload to the page, and warnings of dropped elements."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from services.ingest.domain.refusal import RefusedError
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.handler import find_article_state, find_receipt_state, store_picture
from shared.messaging.messages import RepairPath
from shared.site import keys
from tests.functional.conftest import Pipeline, a_png, an_article

WIDGET = "<p>Before</p><svg><text>A chart</text></svg><img src=https://old.example/1.png><p>After</p>"


def a_private_jpeg() -> bytes:
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112], exif[0x013B] = 6, "SECRET-OWNER"
    Image.new("RGB", (16, 8), "teal").save(out, "JPEG", exif=exif)
    return out.getvalue()


def receipt_of(pipeline: Pipeline, receipt: str) -> ReceiptState:
    state = find_receipt_state(receipt, pipeline.ingest_deps)
    assert state is not None
    return state


def state_of(pipeline: Pipeline, article: str) -> ArticleState:
    state = find_article_state(pipeline.site, article, pipeline.ingest_deps)
    assert state is not None
    return state


def warnings_of(pipeline: Pipeline, receipt: str) -> str:
    report = receipt_of(pipeline, receipt).report
    return " ".join(report.warnings) if report else ""


def test_readers_get_the_public_form_of_a_picture_and_never_the_uploaded_file(pipeline: Pipeline) -> None:
    sent = a_private_jpeg()
    stored = store_picture(sent, pipeline.site, pipeline.ingest_deps)
    accepted = pipeline.post(picture={"media": stored.media, "alt": "A pier"})
    pipeline.run()

    (path,) = pipeline.record(accepted.article).media
    shown = pipeline.public.get(path).body
    assert (stored.width, stored.height, stored.media) == (8, 16, hashlib.sha256(sent).hexdigest())
    assert path == f"media/{stored.media}/8.jpg"
    assert b"SECRET" not in shown
    assert shown == pipeline.content.get(keys.public_media_key("epn", stored.media)).body
    assert pipeline.content.get(keys.media_key("epn", stored.media)).body == sent


def test_a_repair_puts_the_public_form_back(pipeline: Pipeline) -> None:
    stored = store_picture(a_private_jpeg(), pipeline.site, pipeline.ingest_deps)
    accepted = pipeline.post(picture={"media": stored.media})
    pipeline.run()
    (path,) = pipeline.record(accepted.article).media
    before = pipeline.public.get(path).body
    pipeline.public.put(path, a_private_jpeg(), content_type="image/jpeg", metadata={"status": "200"})

    message = RepairPath(message_id=uuid4(), site="epn", path=path, article=accepted.article)
    pipeline.deliver(message)

    assert pipeline.public.get(path).body == before


def test_a_repair_keeps_a_shown_picture_whose_source_is_missing(pipeline: Pipeline) -> None:
    stored = store_picture(a_private_jpeg(), pipeline.site, pipeline.ingest_deps)
    accepted = pipeline.post(picture={"media": stored.media})
    pipeline.run()
    (path,) = pipeline.record(accepted.article).media
    pipeline.content.delete(keys.public_media_key("epn", stored.media))

    pipeline.deliver(RepairPath(message_id=uuid4(), site="epn", path=path))

    assert pipeline.status_at(path) == "200"


def test_pictures_of_body_and_gallery_are_public_and_answer_410_after_a_kill(pipeline: Pipeline) -> None:
    body, gallery = (store_picture(a_png((n, n, n)), pipeline.site, pipeline.ingest_deps).media for n in (1, 2))
    accepted = pipeline.post(
        body=f'<p>See</p><img src="media:{body}" alt="A pier">', pictures=[{"media": gallery, "caption": "The quay"}]
    )
    pipeline.tick()
    page = pipeline.page_of(accepted.article)
    paths = [f"media/{media}/8.png" for media in (body, gallery)]

    assert [path for path in paths if f'src="/{path}"' not in page] == []
    assert sorted(pipeline.record(accepted.article).media) == sorted(paths)
    assert [pipeline.status_at(path) for path in paths] == ["200", "200"]

    pipeline.act("kill", accepted.article)
    pipeline.tick()

    assert [pipeline.status_at(path) for path in paths] == ["410", "410"]


def test_a_missing_picture_is_a_warning_and_the_same_article_shows_it_after_the_upload(pipeline: Pipeline) -> None:
    media = hashlib.sha256(a_png((9, 9, 9))).hexdigest()
    article: dict[str, Any] = {"body": f"<p>See</p><img src=media:{media}>", "version_created": "2026-11-01T10:00:00Z"}
    first = pipeline.post(**article)
    pipeline.run()
    assert f"media:{media}" in warnings_of(pipeline, first.receipt)
    assert pipeline.post(**article).status == "duplicate"

    store_picture(a_png((9, 9, 9)), pipeline.site, pipeline.ingest_deps)
    again = pipeline.post(**article)
    pipeline.run()

    assert again.status == "accepted"
    assert f"/media/{media}/8.png" in pipeline.page_of(again.article)
    assert warnings_of(pipeline, again.receipt) == ""


def test_a_gallery_names_uploaded_pictures_only(pipeline: Pipeline) -> None:
    with pytest.raises(RefusedError) as refused:
        pipeline.post(pictures=[{"caption": "Words alone"}, {"media": "0" * 64}])

    assert [fault.pointer for fault in refused.value.faults] == ["/pictures/1/media"]


def test_a_removal_is_accepted_with_any_pictures(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.run()

    removal = pipeline.post(status="canceled", picture={"media": "0" * 64})
    pipeline.tick()

    assert removal.article == accepted.article
    assert receipt_of(pipeline, removal.receipt).status == "killed"


@pytest.mark.parametrize("is_flushed", [False, True])
def test_a_receipt_warns_of_elements_that_were_dropped_from_the_body(pipeline: Pipeline, *, is_flushed: bool) -> None:
    accepted = pipeline.post(body=WIDGET)
    pipeline.run()
    if is_flushed:
        pipeline.redis.flushall()

    warnings = warnings_of(pipeline, accepted.receipt)
    assert warnings.startswith("/body: ")
    assert "1 <svg>" in warnings
    assert "1 picture" in warnings
    assert "https://old.example/1.png" in warnings
    assert "1 <svg>" in " ".join(state_of(pipeline, accepted.article).warnings)


def test_a_submission_that_is_read_later_has_the_warnings_beside_its_report(pipeline: Pipeline) -> None:
    document: dict[str, Any] = an_article(body=WIDGET)
    receipt = pipeline.submit(json.dumps(document).encode()).receipt
    pipeline.tick()
    pipeline.redis.flushall()

    report = receipt_of(pipeline, receipt).report

    assert report is not None
    assert "/headline" in report.kept
    assert any("<svg>" in warning for warning in report.warnings)


def test_a_body_without_dropped_elements_has_no_warnings(pipeline: Pipeline) -> None:
    accepted = pipeline.post(body="<p>All of it.</p>")
    pipeline.run()

    assert warnings_of(pipeline, accepted.receipt) == ""
    assert state_of(pipeline, accepted.article).warnings == ()
