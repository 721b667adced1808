"""Any input gives an article or a refusal, and no other error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest.adapters.readers import READERS, read_document
from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError
from shared.model.article import Article

TEXT = st.text(max_size=30) | st.sampled_from(
    ["", "usable", "canceled", "text", "main", "text/html", "2026-11-22T09:00:00Z", "0001-01-01T00:00:00+14:00", "\x00"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
NINJS_NAMES = [
    *("uri", "guid", "type", "version", "versionCreated", "versioncreated", "firstCreated", "embargoedUntil"),
    *("embargoed", "expires", "pubStatus", "pubstatus", "urgency", "language", "headlines", "title", "descriptions"),
    *("bodies", "by", "located", "slugline", "subjects", "people", "places", "associations", "altIds", "standard"),
    *("edNote", "usageTerms", "name", "rel", "role", "value", "contentType", "renditions", "href", "width", "literal"),
]
ANS_NAMES = [
    *(
        "_id",
        "id",
        "type",
        "version",
        "operation",
        "key",
        "body",
        "story_id",
        "editions",
        "published",
        "status",
        "time",
    ),
    *("last_updated_date", "publish_date", "created_date", "content_restrictions", "embargo", "active", "end_time"),
    *("content_code", "geo", "revision", "revision_id", "publishing", "has_published_edition", "workflow"),
    *(
        "headlines",
        "subheadlines",
        "description",
        "basic",
        "label",
        "text",
        "display",
        "credits",
        "vanity_credits",
        "by",
    ),
    *(
        "taxonomy",
        "tags",
        "keywords",
        "keyword",
        "primary_section",
        "sections",
        "path",
        "named_entities",
        "name",
        "_id",
    ),
    *("content_elements", "content", "items", "rows", "header", "cells", "citation", "raw_oembed", "html", "referent"),
    *("promo_items", "url", "streams", "caption", "additional_properties", "comments", "channels", "level", "units"),
    *("numeric_rating", "max", "corrections", "editor_note", "related_content", "websites", "website_url", "owner"),
    *("canonical_url", "canonical_website", "content_aliases", "distributor", "address", "locality", "language"),
]
ANS_KINDS = st.sampled_from(
    [
        *("text", "header", "image", "gallery", "video", "audio", "list", "table", "quote", "blockquote", "raw_html"),
        *("oembed_response", "reference", "custom_embed", "interstitial_link", "link_list", "divider", "correction"),
        *("element_group", "numeric_rating", "endorsement", "code", "content_zone", "story", "hologram"),
    ]
)
DPA_NAMES = [
    *("format", "urn", "entry_id", "version", "version_created", "pubstatus", "signal", "embargoed", "content_created"),
    *("language", "urgency", "kicker", "headline", "subhead", "teaser", "byline", "dateline", "article_html"),
    *("infobox_html", "linkbox_html", "creditline", "copyrightnotice", "usageterms", "notepad", "ednotes", "ednote"),
    *("is_publishable", "associations", "renditions", "categories", "qcode", "rank", "role", "type", "name", "entries"),
]
AP_NAMES = [
    *("data", "item", "items", "altids", "itemid", "versioncreated", "firstcreated", "expires", "editorialtypes"),
    *("editorialrole", "signals", "bylines", "by", "title", "headline_extended", "description_summary", "located"),
    *("usageterms", "keywords", "subject", "rels", "code", "scheme", "person", "place", "nitf", "body_html"),
    *("type", "pubstatus", "embargoed", "headline", "urgency", "language", "version", "slugline", "renditions"),
]
NAMES = st.sampled_from([*Article.model_fields, *NINJS_NAMES, *ANS_NAMES, *DPA_NAMES, *AP_NAMES]) | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=30
)
TYPES = st.none() | st.sampled_from(
    ["application/json", *(kind for reader in READERS for kind in reader.format.media_types)]
)


def _outcome(raw: bytes, content_type: str | None, context: ReadingContext) -> Sequence[Entry] | RefusedError:
    try:
        return read_document(raw, content_type, context)
    except RefusedError as refused:
        return refused


def _is_well_formed(outcome: Sequence[Entry] | RefusedError) -> bool:
    if not isinstance(outcome, RefusedError):
        articles = [each.article for each in outcome if isinstance(each, Reading)]
        assert all(each.report.model_dump_json() for each in outcome)
        assert all(each.model_dump_json() for each in articles)
        return len(outcome) > 0
    details = [outcome.detail, *(fault.detail for fault in outcome.faults)]
    return outcome.code in (400, 413, 415, 422) and all(details) and bool(json.dumps(details).encode())


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=300), content_type=TYPES)
@example(raw=b"\xef\xbb\xbf", content_type=None)
@example(raw=b'{"source_id": 1e400}', content_type=None)
@example(raw=b'{"headline": "\\udfff"}', content_type=None)
def test_any_bytes_give_an_article_or_a_refusal(context: ReadingContext, raw: bytes, content_type: str | None) -> None:
    assert _is_well_formed(_outcome(raw, content_type, context))


@settings(max_examples=500, deadline=None)
@given(document=JSON, content_type=TYPES)
def test_any_json_gives_an_article_or_a_refusal(
    context: ReadingContext, document: object, content_type: str | None
) -> None:
    assert _is_well_formed(_outcome(json.dumps(document).encode(), content_type, context))


@settings(max_examples=500, deadline=None)
@given(changes=st.dictionaries(st.sampled_from([*Article.model_fields]), JSON, min_size=1, max_size=4))
def test_any_value_in_any_field_of_the_own_form_gives_an_article_or_a_refusal(
    context: ReadingContext, changes: dict[str, Any]
) -> None:
    document = {"source_id": "a", "headline": "b", "body": "c"} | changes

    assert _is_well_formed(_outcome(json.dumps(document).encode(), None, context))


@settings(max_examples=500, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(NINJS_NAMES), JSON, min_size=1, max_size=4))
def test_any_value_in_any_field_of_ninjs_gives_an_article_or_a_refusal(
    context: ReadingContext, changes: dict[str, Any]
) -> None:
    document = {
        "uri": "urn:a",
        "versionCreated": "2026-11-22T09:00:00Z",
        "headlines": [{"value": "b"}],
        "bodies": [{"value": "c"}],
    } | changes

    assert _is_well_formed(_outcome(json.dumps(document).encode(), None, context))


@settings(max_examples=500, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(ANS_NAMES), JSON, max_size=4),
    elements=st.lists(
        st.builds(
            lambda kind, values: values | {"type": kind}, ANS_KINDS, st.dictionaries(st.sampled_from(ANS_NAMES), JSON)
        ),
        max_size=4,
    ),
)
def test_any_value_in_any_field_of_ans_gives_entries_or_a_refusal(
    context: ReadingContext, changes: dict[str, Any], elements: list[dict[str, Any]]
) -> None:
    document = {
        "_id": "a",
        "type": "story",
        "version": "0.10.12",
        "headlines": {"basic": "b"},
        "content_elements": [{"type": "text", "content": "c"}, *elements],
    } | changes

    assert _is_well_formed(_outcome(json.dumps(document).encode(), None, context))


@settings(max_examples=500, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(DPA_NAMES), JSON, max_size=4))
def test_any_value_in_any_field_of_digital_wires_gives_entries_or_a_refusal(
    context: ReadingContext, changes: dict[str, Any]
) -> None:
    document = {
        "format": "digitalwires@0.9.1",
        "urn": "a",
        "headline": "b",
        "article_html": "<p>c</p>",
    } | changes

    assert _is_well_formed(_outcome(json.dumps(document).encode(), None, context))


@settings(max_examples=500, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(AP_NAMES), JSON, max_size=4))
def test_any_value_in_any_field_of_aps_media_api_gives_entries_or_a_refusal(
    context: ReadingContext, changes: dict[str, Any]
) -> None:
    document = {"altids": {"itemid": "a"}, "type": "text", "headline": "b", "body_html": "<p>c</p>"} | changes

    assert _is_well_formed(_outcome(json.dumps(document).encode(), None, context))
