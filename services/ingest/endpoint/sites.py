"""Parameters for site, feed and article."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query

SiteName = Annotated[
    str | None,
    Query(
        max_length=40,
        description="The site; not needed if the token is bound to one site.",
        openapi_examples={"epn": {"value": "epn"}},
    ),
]

SiteNames = Annotated[
    list[Annotated[str, Query(max_length=40)]] | None,
    Query(
        max_length=20,
        description="The site; not needed if the token is bound to one site. Repeatable: the article goes to each "
        "site, and the first is the canonical one.",
        openapi_examples={"one": {"value": ["epn"]}},
    ),
]

FeedName = Annotated[
    str | None,
    Query(
        max_length=40,
        description="The sender's feed; not needed if the token belongs to one feed of the site. An item without a "
        "source gets the feed's.",
    ),
]

ARTICLE = re.compile(r"^[a-z2-7]{26}$")
