"""Why a page is as it is."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field


class Making(BaseModel):
    """Who made the bytes that are there, when, for which message and from what: as the object itself says."""

    by: str | None = None
    at: AwareDatetime | None = None
    message: str | None = None
    inputs: str | None = None
    theme: str | None = None
    order: str | None = None
    sha256: str | None = None
    etag: str | None = None
    size_bytes: int | None = None


class Reasons(BaseModel):
    """What is at an address, what it was made from, and what stands between it and what it should be."""

    url: str
    path: str = Field(description="Its key in the public bucket.")
    status: int = Field(description="The HTTP status that readers get; 404: nothing is there.")
    kind: str = Field(description="article, listing, file or nothing of ours")
    location: str | None = Field(default=None, description="Of a redirect: where it sends readers.")
    article: str | None = None
    revision: str | None = Field(default=None, description="The revision that is live.")
    listing: str | None = None
    shows: list[str] = Field(default_factory=list, description="The articles whose cards it shows, its own aside.")
    made: Making | None = None
    is_current: bool = Field(description="Whether nothing is known that should be shown and is not.")
    waits_for: list[str] = Field(default_factory=list, description="Why it is not newer, in plain words.")
