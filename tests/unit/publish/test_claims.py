from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.publish.domain.live_state import (
    LivePage,
    add_claims,
    apply_found_object,
    apply_live_page,
    apply_removal,
    drop_overwritten_pages,
    is_outdated,
)
from shared.messaging.page_bundle import ArticlePage
from shared.model.card import Card
from shared.model.live_record import LiveRecord, PageRecord
from shared.storage import Etag

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = LiveRecord(site="epn", article="a")
CARD = Card(article="a", path="p", headline="A", section="news", created_at=NOW)


def a_live_page(revision: str, path: str = "p", order: str = "", **fields: Any) -> LivePage:
    order = order or f"{revision}~1"
    provenance = {"theme": "epn-1", "made_by": "render/1", "made_for": "a test", "made_at": NOW}
    known = {"article": "a", "revision": revision, "revisions_seen": 1, "card": CARD}
    page = ArticlePage.model_validate({"path": path, "order": order, "sha256": order, **provenance, **known, **fields})
    pages = {path: PageRecord(order=order, sha256=order, etag=Etag(order))}
    return LivePage(page, pages, media=(), former_memberships=(), at=NOW)


def live(record: LiveRecord, revision: str, path: str = "p", order: str = "") -> LiveRecord:
    return apply_live_page(record, a_live_page(revision, path, order))


def test_a_newer_claim_makes_an_older_revision_outdated() -> None:
    assert is_outdated(add_claims(NEW, "r2", ["p"]), "r1")
    assert not is_outdated(add_claims(NEW, "r2", ["p"]), "r2")


def test_a_newer_live_revision_makes_an_older_one_outdated() -> None:
    assert is_outdated(live(NEW, "r2"), "r1")


def test_a_removal_makes_the_removed_revision_outdated() -> None:
    assert is_outdated(apply_removal(live(NEW, "r1"), revision="r2", rank="r2", revisions_seen=2, pages={}), "r1")


def test_a_later_rendering_of_a_revision_makes_an_earlier_one_outdated() -> None:
    record = live(NEW, "r1", "new-address", order="r1~9")

    assert is_outdated(record, "r1", "r1~5")
    assert live(record, "r1", "old-address", order="r1~5").path == "new-address"


def test_every_path_is_recorded_in_the_order_of_its_claim() -> None:
    record = add_claims(add_claims(add_claims(NEW, "r1", ["p"]), "r2", ["q"]), "r3", ["p"])

    assert record.claimed == ("p", "q")


def test_other_bytes_of_the_same_revision_do_not_change_the_record() -> None:
    record = live(NEW, "r1")

    assert apply_live_page(record, a_live_page("r1", order="r1~2")) is record


@pytest.mark.parametrize(
    "fields",
    [{"revisions_seen": 2}, {"shows": {"b": "1"}}, {"lacks_related": True}],
    ids=lambda fields: next(iter(fields)),
)
def test_every_other_change_is_recorded(fields: dict[str, Any]) -> None:
    record = live(NEW, "r1")
    again = a_live_page("r1", order="r1~2")

    changed = apply_live_page(record, replace(again, page=again.page.model_copy(update=fields)))

    assert changed != record
    assert changed.pages["p"].order == "r1~2"


def test_a_new_put_of_a_distrusted_page_is_recorded() -> None:
    record = apply_found_object(live(NEW, "r1"), "p", Etag("damaged"))

    assert apply_live_page(record, a_live_page("r1", order="r1~2")).pages["p"].sha256 == "r1~2"


def test_a_late_page_removes_the_page_that_it_overwrote_from_the_record() -> None:
    record = add_claims(live(NEW, "r2"), "r3")

    late = {"p": PageRecord(order="r1~1", sha256="old", etag=Etag("old"))}

    assert "p" not in drop_overwritten_pages(record, late).pages
    assert drop_overwritten_pages(record, {"p": record.pages["p"]}) == record
