"""Files that must be public before the page that shows them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Attachment(BaseModel):
    """A file of a page (a picture, a theme file): it is copied from the content bucket before the page is put."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source_key: str
    path: str
    content_type: str
    is_immutable: bool = False
