"""Two fresh stacks of real processes, told the same in another order, show readers the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.local.settings import PROJECT, StackSettings
from infra.local.stack import embedded_stack
from shared.storage.boto import s3_client
from shared.storage.s3 import S3ObjectStorage
from tests.e2e.conftest import Newsroom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

_ARTICLES, _CORRECTED, _WITHDRAWN = 24, 4, 7  # how many, how many of them, which one
_PICTURES = sorted((PROJECT / "infra" / "samples" / "pictures").iterdir())[:5]

_METADATA_WITH_A_TIME = frozenset(("order", "made-by", "made-for", "made-at", "inputs"))
"""Metadata that says when, by whom and for which message bytes were made: `order` decides between two writers by the
time of a reading, the others answer `pressline why`. No edge shows any of them to a reader."""


class PublicObject(NamedTuple):
    """An object of the public bucket."""

    body: bytes
    content_type: str
    cache_control: str | None
    metadata: Mapping[str, str]


def the_newsrooms_day(now: datetime) -> list[dict[str, Any]]:
    """Return what the newsroom sends: articles, their corrections, one withdrawal; each bears its own stamp.

    Half of the articles are hours old and half are days old. So no midnight between the two stacks moves an article out
    of the news sitemap.
    """
    firsts = [
        now - timedelta(hours=1 + each) if each % 2 else now - timedelta(days=10 + each // 3)
        for each in range(_ARTICLES)
    ]
    sent = [_article(each, stamp) for each, stamp in enumerate(firsts)]
    for each in range(_CORRECTED):
        corrected = _article(each, firsts[each])
        corrected |= {
            "version_created": _text(firsts[each] + timedelta(minutes=30)),
            "correction_note": "It was otherwise.",
        }
        if each:
            corrected["headline"] = f"Otherwise: {corrected['headline']}"
        if each == _CORRECTED - 1:
            corrected |= {"section": "science", "slug": "it-has-moved"}
        sent.append(corrected)
    gone = _article(_WITHDRAWN, firsts[_WITHDRAWN]) | {"status": "withheld"}
    sent.append(gone | {"version_created": _text(firsts[_WITHDRAWN] + timedelta(minutes=20))})
    return sent


def _article(each: int, stamp: datetime) -> dict[str, Any]:
    file = _PICTURES[-1] if each == _WITHDRAWN else _PICTURES[each % 6] if each % 6 < len(_PICTURES) - 1 else None
    return {
        "source": "same-bytes",
        "source_id": f"story-{each}",
        "version_created": _text(stamp),
        "first_created": _text(stamp),
        "headline": f"Story number {each} of the harbour",
        "standfirst": f"What was said on the quay, for the {each}th time.",
        "section": ("world", "culture")[each % 2],
        "topics": [{"name": f"Topic {each % 3}"}, {"name": f"Topic {each % 5}"}],
        "authors": [{"name": f"Writer {each % 4}"}],
        "keywords": [f"word {each % 2}", "quay"],
        "urgency": 1 + each % 6,
        "language": ("en", "de", "ar")[each % 3],
        "picture": {"file": file, "alt": "The quay"} if file else None,
        "body": f"<p>Text {each}.</p><h2>Then</h2><p>{'More of it. ' * each}</p>",
    }


def _text(stamp: datetime) -> str:
    return stamp.isoformat()


def what_readers_get(
    settings: StackSettings, sent: Sequence[dict[str, Any]], *, side_by_side: int
) -> dict[str, PublicObject]:
    """Return the public bucket of a fresh stack that was sent all this in this order."""
    with embedded_stack(settings) as stack:
        room = Newsroom(settings, stack)
        with room.api, room.edge, room.redis, ThreadPoolExecutor(side_by_side) as pool:
            media = {picture: room.store_picture(picture) for picture in _PICTURES}
            receipts = list(pool.map(lambda each: room.post(**_with_media(each, media)).json()["receipt"], sent))
            room.wait_until_quiet(receipts)
            return dict(_public_objects(room))


def _with_media(article: dict[str, Any], media: Mapping[Path, str]) -> dict[str, Any]:
    picture = article["picture"]
    return article | ({"picture": {"media": media[picture["file"]], "alt": picture["alt"]}} if picture else {})


def _public_objects(room: Newsroom) -> Iterator[tuple[str, PublicObject]]:
    client, bucket = s3_client(room.services), room.services.public_bucket
    for key in S3ObjectStorage(room.services, bucket).list_keys(""):
        found = client.get_object(Bucket=bucket, Key=key)
        metadata = {name: value for name, value in found["Metadata"].items() if name not in _METADATA_WITH_A_TIME}
        yield key, PublicObject(found["Body"].read(), found["ContentType"], found.get("CacheControl"), metadata)


def test_the_order_in_which_articles_come_changes_no_byte(tmp_path: Path) -> None:
    sent = the_newsrooms_day(datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
    first = StackSettings.in_folder(tmp_path / "first")
    second = first.model_copy(update={"run_folder": tmp_path / "second"})  # the same ports: they stand in the pages

    in_order = what_readers_get(first, sent, side_by_side=1)
    out_of_order = what_readers_get(second, sent[::-1], side_by_side=4)

    assert {one.metadata["status"] for one in in_order.values()} == {"200", "301", "410"}
    assert in_order.keys() == out_of_order.keys()
    assert [key for key, one in in_order.items() if out_of_order[key] != one] == []
