"""What an editor has pinned to a front: an object of the content bucket, so that no lost Redis forgets it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.site import keys
from shared.storage import ObjectStorage

MAX_PINS = 10


class Pins(BaseModel):
    """The articles that lead a front, in order. `until`: from when on they no longer do; None: until they are removed.

    An article that is not live is passed over by whoever renders the front, and leads it once it is.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    articles: tuple[str, ...] = Field(default=(), max_length=MAX_PINS)
    until: AwareDatetime | None = None
    set_by: str  # the name of the token
    set_at: AwareDatetime
    schema_version: Literal[1] = 1


def read_pins(content: ObjectStorage, site: str, front: str) -> Pins | None:
    """Return what is pinned to a front (`home`, or a section's id), whether or not its time is over; None for nothing.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    found = content.find(keys.front_key(site, front))
    return Pins.model_validate_json(found.body) if found else None
