"""A rebuild: what it means to render again, and how far it has come."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.rebuilds import Tally


class Run(BaseModel):
    """A rebuild as it is kept in the content bucket: enough to go on from, whoever was killed meanwhile.

    All pieces up to the article `cursor` are done, `number` of them; what they came to is in `tally`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    site: str
    run: str
    section: str | None = None
    since: AwareDatetime | None = None
    is_by_theme: bool = False
    trial: str | None = None  # the key of a theme that is only tried
    most: int | None = None  # articles
    started_at: AwareDatetime
    cursor: str = ""
    number: int = 0
    tally: Tally = Tally()
    failed: int = 0  # articles of pieces that nobody brought to an end
    is_done: bool = False
