"""The pins of a front, set by an editor: an object in the content bucket, so that they survive the loss of Redis."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.site import keys
from shared.storage import ObjectStorage

MAX_PINS = 10


class Pins(BaseModel):
    """The first articles of a front, in order. `until`: the end of the pins; None: they stay until removed.

    A pinned article that is not live is left out until it is live.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    articles: tuple[str, ...] = Field(default=(), max_length=MAX_PINS)
    until: AwareDatetime | None = None
    set_by: str  # the name of the token
    set_at: AwareDatetime
    schema_version: Literal[1] = 1


def read_pins(content: ObjectStorage, site: str, front: str) -> Pins | None:
    """Return the pins of a front (`home`, or a section's id), even if they have ended; None if there are none.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    found = content.find(keys.front_key(site, front))
    return Pins.model_validate_json(found.body) if found else None
