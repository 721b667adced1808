"""Each field of the model is visible, technical, or reported as left out."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from services.ingest.domain.shown import TECHNICAL_FIELDS, UNUSED_FIELDS, VISIBLE_FIELDS
from shared.model.article import Article
from tests.unit.ingest.conftest import Read

MEDIA = "a" * 64
RENDITION = {"media": MEDIA, "width": 1, "height": 1, "content_type": "image/png"}


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the name of every field of a model and of the parts in it; a list of parts stands for each of them."""
    for name, field in model.model_fields.items():
        part = part_of(field.annotation)
        if part is None or name == "renditions":
            yield prefix + name
        elif name == "body_pictures":
            yield name
        else:
            yield from leaves(part, f"{prefix}{name}.")


def part_of(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in (tuple, types.UnionType, Annotated):
        return next((found for each in get_args(annotation) if (found := part_of(each))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def test_every_field_is_in_exactly_one_of_the_three_lists() -> None:
    decided = [*VISIBLE_FIELDS, *TECHNICAL_FIELDS, *UNUSED_FIELDS]

    assert sorted(leaves(Article)) == sorted(decided)


def an_article(**fields: object) -> dict[str, object]:
    return {"source_id": "urn:example:1", "headline": "Ten boats", "body": "<p>At noon.</p>", **fields}


@pytest.mark.parametrize(
    ("fields", "dropped", "kept"),
    [
        ({"replaces": ["urn:example:0", "urn:example:9"]}, ["/replaces/1"], "/replaces"),
        ({"related": [{"source_id": "urn:example:2", "title": "Before"}]}, ["/related/0"], None),
        (
            {"related": [{"url": "https://a.example/", "relation": "see", "source_id": "x"}, {"title": "Alone"}]},
            ["/related/0/source_id", "/related/0/relation", "/related/1"],
            "/related",
        ),
        ({"picture": {"alt": "A boat"}}, ["/picture"], None),
        ({"picture": {"alt": "A boat", "caption": "Boats"}}, ["/picture/alt"], "/picture"),
        (
            {
                "pictures": [
                    {
                        "media": MEDIA,
                        "renditions": [{"media": MEDIA, "width": 1, "height": 1, "content_type": "image/png"}],
                    }
                ]
            },
            ["/pictures/0/renditions"],
            "/pictures",
        ),
        ({"pictures": [{}]}, ["/pictures/0"], None),
        ({"embeds": [{"url": "https://v.example/1"}], "rights": {"usage_terms": "Once"}}, [], "/embeds"),
    ],
)
def test_an_invisible_part_is_reported_as_left_out(
    read: Read, fields: dict[str, object], dropped: list[str], kept: str | None
) -> None:
    report = read(an_article(**fields)).report

    assert [each.pointer for each in report.dropped] == dropped
    assert all(each.reason for each in report.dropped)
    assert {f"/{name}" for name in fields} & set(report.kept) == ({kept} if kept else set()) | (
        {"/rights"} if "rights" in fields else set()
    )


def test_a_related_item_of_ninjs_is_reported_under_its_association(read: Read) -> None:
    report = read(
        {
            "uri": "urn:example:1",
            "type": "text",
            "versionCreated": "2026-11-22T10:00:00Z",
            "headlines": [{"value": "Ten boats"}],
            "bodies": [{"value": "<p>At noon.</p>", "contentType": "text/html"}],
            "associations": [{"uri": "urn:example:2", "type": "text", "name": "before"}],
            "altIds": [{"role": "replaces", "value": "urn:example:0"}],
        }
    ).report

    assert {each.pointer for each in report.dropped} >= {"/associations/0"}
    assert "/associations/0" not in report.kept
    assert "/altIds/0" in report.kept


def test_no_field_of_a_removal_is_reported_as_invisible(read: Read) -> None:
    removal = an_article(status="canceled", replaces=["urn:example:0"])

    assert read(removal).report.dropped == ()


def test_a_sender_does_not_name_the_pictures_of_the_body_apart(refuse: Any) -> None:
    refused = refuse(an_article(body_pictures=[{"media": MEDIA}]))

    assert [fault.pointer for fault in refused.faults] == ["/body_pictures"]
