"""Files that have to be public before a page that shows them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Attachment(BaseModel):
    """A file that has to be public before the page that shows it: copied from the content bucket."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source_key: str
    path: str
    content_type: str
    is_immutable: bool = False
