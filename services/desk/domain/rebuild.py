"""A rebuild: what it means to render again, and how far it has come."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.runtime.rebuild_runs import RunCounts


class Run(BaseModel):
    """A rebuild as it is kept in the content bucket: enough to go on from, whoever was killed meanwhile.

    All articles up to `cursor` are reported; what they came to is in `counts`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    site: str
    run: str
    preview: str | None = None  # the folder of a preview, whose pages are not published
    section: str | None = None
    since: AwareDatetime | None = None
    is_by_theme: bool = False
    is_enriched_anew: bool = False  # by the enrichers of now, before the pages are rendered
    most: int | None = None  # articles
    started_at: AwareDatetime
    cursor: str = ""
    counts: RunCounts = RunCounts()
    is_done: bool = False
