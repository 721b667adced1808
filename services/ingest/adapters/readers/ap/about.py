"""The facts about AP's Media API, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_EXAMPLE = {
    "data": {
        "item": {
            "uri": "https://wire.example/content/5ee9b4b4",
            "altids": {"itemid": "5ee9b4b4"},
            "version": 1,
            "type": "text",
            "urgency": 4,
            "language": "en",
            "versioncreated": "2026-11-22T04:00:00Z",
            "pubstatus": "usable",
            "headline": "Harbour bridge reopens after two years of repairs",
            "bylines": [{"by": "By MEERA TENDULKAR"}],
            "located": "ALMINA",
            "body_html": "<p>The harbour bridge reopened on Sunday.</p>",
        }
    }
}

FORMAT = Format(
    name="ap",
    title="AP Media API JSON",
    media_types=("application/vnd.ap.media+json",),
    takes="one item, alone or in the API's envelope, or a feed with up to 500 items",
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="""`altids.itemid` is the article's id, because `uri` changes with each request. `versioncreated` orders the
revisions, then `version`.

* The API sends a link to the text and not the text. Send the text too: as `body_html`, or the file of
  `renditions.nitf` as `nitf`. An item without a text is held.
* Advisories, tests and advances without an embargo are held; kills and eliminations are cancellations.
* Pictures, graphics, videos and sounds are media.
* Ancestors of a subject or place are left out. `ednote` is never published.""",
)
