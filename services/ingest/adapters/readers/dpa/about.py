"""The facts about dpa's digital wires, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_EXAMPLE = {
    "format": "digitalwires@0.9.1",
    "type": "composite",
    "urn": "urn:newsml:wire.example:20261122-harbour-bridge",
    "version": 1,
    "version_created": "2026-11-22T09:30:00+01:00",
    "pubstatus": "usable",
    "language": "de",
    "urgency": 3,
    "kicker": "Verkehr",
    "headline": "Hafenbrücke nach zwei Jahren wieder offen",
    "teaser": "Die ersten Busse fuhren am Morgen; eine Maut gibt es nicht mehr.",
    "byline": "Von Ilse Marran",
    "dateline": "Almina (ex) - ",
    "article_html": '<section class="main"><p>Die Hafenbrücke ist seit Sonntag wieder offen.</p></section>',
    "associations": [],
    "categories": [{"type": "dnltype:desk", "name": "vm", "qcode": "dpacat:vm"}],
}

FORMAT = Format(
    name="dpa-digitalwires",
    title="dpa digital wires JSON",
    media_types=("application/vnd.dpa.digitalwires+json",),
    takes="one entry, or a list `entries` with up to 500",
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="""`urn` is the article's id; `version_created` orders the revisions, then `version`.

* `teaser` is the standfirst. The dateline is a field of its own, so it is removed from the first paragraph.
* Without a `byline`, the `creditline` is used. Creators are names of accounts, so that they are no authors.
* A correction (`signal` `sig:correction`) gets its public note from the `ednotes` with the role `correction`.
* The notepad and all other notes are never published.
* Entries without a text are media: a picture, sound or video. Lists of coming events for editors are held.
* Links of the link box become related links; the info box stays at the end of the text.""",
)
