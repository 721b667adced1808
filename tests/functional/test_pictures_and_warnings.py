"""Pictures from the upload to the page, and what a sender is told of what was left out."""

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
from services.ingest.handler import find_article_state, find_receipt_state, keep_picture
from shared import keys
from shared.messages import RepairPath
from tests.functional.conftest import Line, a_png, an_article

WIDGET = "<p>Before</p><svg><text>A chart</text></svg><img src=https://old.example/1.png><p>After</p>"


def a_private_jpeg() -> bytes:
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112], exif[0x013B] = 6, "SECRET-OWNER"
    Image.new("RGB", (16, 8), "teal").save(out, "JPEG", exif=exif)
    return out.getvalue()


def receipt_of(line: Line, receipt: str) -> ReceiptState:
    state = find_receipt_state(receipt, line.intake)
    assert state is not None
    return state


def state_of(line: Line, article: str) -> ArticleState:
    state = find_article_state(line.site, article, line.intake)
    assert state is not None
    return state


def warnings_of(line: Line, receipt: str) -> str:
    report = receipt_of(line, receipt).report
    return " ".join(report.warnings) if report else ""


def test_readers_get_the_public_form_of_a_picture_and_nobody_the_file(line: Line) -> None:
    sent = a_private_jpeg()
    kept = keep_picture(sent, line.site, line.intake)
    accepted = line.post(picture={"media": kept.media, "alt": "A pier"})
    line.run()

    (path,) = line.record(accepted.article).media
    shown = line.public.get(path).body
    assert (kept.width, kept.height, kept.media) == (8, 16, hashlib.sha256(sent).hexdigest())
    assert path == f"media/{kept.media}/8.jpg"
    assert b"SECRET" not in shown
    assert shown == line.content.get(keys.public_media_key("epn", kept.media)).body
    assert line.content.get(keys.media_key("epn", kept.media)).body == sent


def test_a_repair_puts_the_public_form_back(line: Line) -> None:
    kept = keep_picture(a_private_jpeg(), line.site, line.intake)
    accepted = line.post(picture={"media": kept.media})
    line.run()
    (path,) = line.record(accepted.article).media
    before = line.public.get(path).body
    line.public.put(path, a_private_jpeg(), content_type="image/jpeg", metadata={"status": "200"})

    mend = RepairPath(message_id=uuid4(), site="epn", path=path, article=accepted.article)
    line.deliver(mend)

    assert line.public.get(path).body == before


def test_a_repair_spares_a_picture_that_is_shown_though_its_source_is_gone(line: Line) -> None:
    kept = keep_picture(a_private_jpeg(), line.site, line.intake)
    accepted = line.post(picture={"media": kept.media})
    line.run()
    (path,) = line.record(accepted.article).media
    line.content.delete(keys.public_media_key("epn", kept.media))

    line.deliver(RepairPath(message_id=uuid4(), site="epn", path=path))

    assert line.status_at(path) == "200"


def test_pictures_of_body_and_gallery_are_public_and_gone_after_a_kill(line: Line) -> None:
    body, gallery = (keep_picture(a_png((n, n, n)), line.site, line.intake).media for n in (1, 2))
    accepted = line.post(
        body=f'<p>See</p><img src="media:{body}" alt="A pier">', pictures=[{"media": gallery, "caption": "The quay"}]
    )
    line.tick()
    page = line.page_of(accepted.article)
    paths = [f"media/{media}/8.png" for media in (body, gallery)]

    assert [path for path in paths if f'src="/{path}"' not in page] == []
    assert sorted(line.record(accepted.article).media) == sorted(paths)
    assert [line.status_at(path) for path in paths] == ["200", "200"]

    line.act("kill", accepted.article)
    line.tick()

    assert [line.status_at(path) for path in paths] == ["410", "410"]


def test_a_picture_that_is_missing_is_told_and_the_same_article_shows_it_after_the_upload(line: Line) -> None:
    media = hashlib.sha256(a_png((9, 9, 9))).hexdigest()
    article: dict[str, Any] = {"body": f"<p>See</p><img src=media:{media}>", "version_created": "2026-11-01T10:00:00Z"}
    first = line.post(**article)
    line.run()
    assert f"media:{media}" in warnings_of(line, first.receipt)
    assert line.post(**article).status == "duplicate"

    keep_picture(a_png((9, 9, 9)), line.site, line.intake)
    again = line.post(**article)
    line.run()

    assert again.status == "accepted"
    assert f"/media/{media}/8.png" in line.page_of(again.article)
    assert warnings_of(line, again.receipt) == ""


def test_a_gallery_names_uploaded_pictures_only(line: Line) -> None:
    with pytest.raises(RefusedError) as refused:
        line.post(pictures=[{"caption": "Words alone"}, {"media": "0" * 64}])

    assert [fault.pointer for fault in refused.value.faults] == ["/pictures/1/media"]


def test_a_removal_stands_whatever_pictures_it_names(line: Line) -> None:
    accepted = line.post()
    line.run()

    removal = line.post(status="canceled", picture={"media": "0" * 64})
    line.tick()

    assert removal.article == accepted.article
    assert receipt_of(line, removal.receipt).status == "killed"


@pytest.mark.parametrize("is_flushed", [False, True])
def test_the_sender_is_told_what_was_left_out_of_the_body(line: Line, *, is_flushed: bool) -> None:
    accepted = line.post(body=WIDGET)
    line.run()
    if is_flushed:
        line.redis.flushall()

    told = warnings_of(line, accepted.receipt)
    assert told.startswith("/body: ")
    assert "1 <svg>" in told
    assert "1 picture" in told
    assert "https://old.example/1.png" in told
    assert "1 <svg>" in " ".join(state_of(line, accepted.article).warnings)


def test_a_submission_that_is_read_later_has_the_warnings_beside_its_report(line: Line) -> None:
    document: dict[str, Any] = an_article(body=WIDGET)
    receipt = line.submit(json.dumps(document).encode()).receipt
    line.tick()
    line.redis.flushall()

    report = receipt_of(line, receipt).report

    assert report is not None
    assert "/headline" in report.kept
    assert any("<svg>" in warning for warning in report.warnings)


def test_a_body_of_which_nothing_was_left_out_has_no_warnings(line: Line) -> None:
    accepted = line.post(body="<p>All of it.</p>")
    line.run()

    assert warnings_of(line, accepted.receipt) == ""
    assert state_of(line, accepted.article).warnings == ()
