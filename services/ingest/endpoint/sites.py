"""The parameters that name the site, the feed and the article."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query

SiteName = Annotated[
    str | None,
    Query(
        max_length=40,
        description="Which site is meant; may be left out with a token that is bound to one.",
        openapi_examples={"epn": {"value": "epn"}},
    ),
]

SiteNames = Annotated[
    list[Annotated[str, Query(max_length=40)]] | None,
    Query(
        max_length=20,
        description="Which site is meant; may be left out with a token that is bound to one. Given again, the article "
        "goes to each, and the first named is the canonical one.",
        openapi_examples={"one": {"value": ["epn"]}},
    ),
]

FeedName = Annotated[
    str | None,
    Query(
        max_length=40,
        description="The sender's feed; may be left out with a token that belongs to one feed of the site. An item "
        "without a source gets the feed's.",
    ),
]

ARTICLE = re.compile(r"^[a-z2-7]{26}$")
