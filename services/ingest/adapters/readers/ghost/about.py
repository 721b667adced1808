"""The facts about Ghost's formats, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_EXAMPLE = {
    "post": {
        "current": {
            "id": "6560a1b2c3d4e5f60718293a",
            "uuid": "8e6f1a52-33a8-4c9b-9d0e-5b1f8c2a7e41",
            "title": "Harbour bridge reopens after two years of repairs",
            "slug": "harbour-bridge-reopens",
            "html": "<p>The harbour bridge reopened on Sunday.</p>",
            "custom_excerpt": "The first buses crossed at dawn.",
            "status": "published",
            "visibility": "public",
            "type": "post",
            "published_at": "2026-11-22T04:00:00.000Z",
            "updated_at": "2026-11-22T04:10:00.000Z",
            "authors": [{"name": "Asha Nair", "slug": "asha"}],
            "tags": [{"name": "Transport", "slug": "transport", "visibility": "public"}],
        },
        "previous": {"status": "draft"},
    }
}

FORMAT = Format(
    name="ghost",
    title="Ghost webhook, post or export",
    media_types=("application/vnd.ghost.post+json",),
    takes="a webhook's body, posts of the Content or Admin API, or an export with up to 500 posts",
    example=json.dumps(_EXAMPLE, ensure_ascii=False, indent=2),
    about="""The `uuid` is the id of a post, and `updated_at` orders its revisions. Only published posts with the
visibility `public` become articles; posts for members are held. So is a post without a `visibility`, which Ghost 3 and
later always states. Parts for members only (below the public preview, gated blocks) are cut and reported.
A webhook about a draft withdraws the article, and one about a deleted post kills it. The first tag that names a section
is the section; the others are keywords.
Of an export, `/{slug}/` becomes a redirect.""",
)
