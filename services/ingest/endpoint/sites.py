"""The query parameter that says which site is meant."""

from __future__ import annotations

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
