"""The facts about the format ANS, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_EXAMPLE = {
    "_id": "HARBOURBRIDGE20261122",
    "type": "story",
    "version": "0.10.12",
    "created_date": "2026-11-22T02:10:00Z",
    "last_updated_date": "2026-11-22T04:00:00Z",
    "language": "en",
    "headlines": {"basic": "Harbour bridge reopens after two years of repairs"},
    "subheadlines": {"basic": "The first buses crossed at dawn; the toll is gone for good."},
    "credits": {"by": [{"type": "author", "version": "0.10.12", "name": "Meera Tendulkar"}]},
    "taxonomy": {"primary_section": {"type": "section", "version": "0.10.12", "_id": "/india", "name": "India"}},
    "content_elements": [
        {"type": "text", "content": "The harbour bridge reopened on Sunday."},
        {"type": "header", "level": 2, "content": "No more tolls"},
        {"type": "text", "content": "Drivers pay <b>nothing</b>."},
    ],
    "revision": {"revision_id": "1", "published": True},
}

FORMAT = Format(
    name="ans",
    title="ANS 0.10 (Arc)",
    media_types=("application/vnd.arc.ans+json", "application/vnd.washpost.ans+json"),
    takes="one story, an operation or event with a story as `body`, or search results with up to 500 stories",
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="""`_id` is the article's id. `last_updated_date` orders the revisions; `version` is the schema's.

* A story is withheld while Arc does not publish it (`revision.published`, `publishing`, `status`). It is also
  withheld if `content_restrictions` has an embargo without an end, a restriction to places, or a private code. Public
  codes are `free`, `default`, `green`, `open`, `public` and `metered`. An embargo with an `end_time` is kept.
* `first_publish_date`, otherwise `publish_date`, dates the article; a `publish_date` in the future is an embargo.
* An operation or event that unpublishes or deletes a story withdraws it.
* Galleries, images, videos and sounds on their own are media. Redirects, collections and references are refused.
* References that are not inflated are left out. So are custom embeds, because their address is not for readers.
* `corrections`, correction elements and `editor_note` are the article's public note.
* Names of staff, notes of planning and workflow, and comments on paragraphs are never published.""",
)
