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
    title="IPTC ninjs 3.0",
    media_types=("application/vnd.iptc.ninjs+json", "application/ninjs+json"),
    takes="one item with `type` text",
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="Unused fields are left out and named in the report; `edNote` and contact details are never published.",
)
