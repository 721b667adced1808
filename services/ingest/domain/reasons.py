"""The provenance of a page, and the reasons why it is stale."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field


class Provenance(BaseModel):
    """The service, time, message and inputs of a public object, from the object's own metadata."""

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
    """The object at an address, its provenance, and the reasons why it is stale."""

    url: str
    path: str = Field(description="The key in the public bucket.")
    status: int = Field(description="The HTTP status that readers get; 404: no object.")
    kind: str = Field(description="article, listing, file or nothing of ours")
    location: str | None = Field(default=None, description="The target, if the page is a redirect.")
    article: str | None = None
    revision: str | None = Field(default=None, description="The live revision.")
    listing: str | None = None
    shows: list[str] = Field(default_factory=list, description="Other articles whose cards the page shows.")
    made: Provenance | None = None
    is_current: bool = Field(description="False if the page is stale.")
    waits_for: list[str] = Field(default_factory=list, description="The reasons why the page is stale.")
