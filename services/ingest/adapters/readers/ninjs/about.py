"""The facts about the format ninjs, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_EXAMPLE = {
    "standard": {"name": "ninjs", "version": "3.0"},
    "uri": "urn:example:2026-11-22:harbour-bridge",
    "type": "text",
    "version": "1",
    "versionCreated": "2026-11-22T09:30:00+05:30",
    "pubStatus": "usable",
    "urgency": 3,
    "language": "en",
    "headlines": [{"role": "main", "value": "Harbour bridge reopens after two years of repairs"}],
    "descriptions": [{"role": "summary", "value": "The first buses crossed at dawn; the toll is gone for good."}],
    "by": "EPN Desk",
    "subjects": [{"name": "India", "uri": "epn:section:india"}],
    "bodies": [{"role": "main", "contentType": "text/html", "value": "<p>The harbour bridge reopened on Sunday.</p>"}],
}

FORMAT = Format(
    name="ninjs",
    title="IPTC ninjs 1.x to 3.x, and Superdesk's ninjs",
    media_types=("application/vnd.iptc.ninjs+json", "application/ninjs+json"),
    takes="one item with `type` text, or `composite` with a text of its own",
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="""The version comes from `standard`, otherwise from the names of the fields. The id is `uri`; in Superdesk's
form it is `guid`. `pubstatus` canceled kills the article, withheld (Superdesk: unpublished) withdraws it. An embargo is
`embargoed` or `embargoedUntil`; an unknown field with "embargo" in its name refuses the item.

* The section is a Superdesk `service` or a subject that the site has as a section.
* The body is `body_html`, otherwise another HTML body, otherwise `body_text`.
* Of associated items, pictures are shown; a text is another article, and only its id and headline are used.
* A picture, graphic, video or sound is kept as media. A package without a text, an event and a planning are refused.
* An item without a headline or without a text is held.
* `firstPublished` dates the article, unless it is unreadable or in the future.
* `evolvedfrom` names the item that this one rewrites.
* Readers see a correction note: a description with the role `correction`, or Superdesk's field `extra.correction_note`.
* Superdesk's `extra.overtitle` is the kicker and `extra.slug` the slug.

Unused fields are left out and named in the report; `ednote` and contact details are never published.""",
)
