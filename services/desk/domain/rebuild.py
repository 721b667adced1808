"""A rebuild: its selection and its progress."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.runtime.rebuild_runs import RunCounts


class Run(BaseModel):
    """A rebuild as stored in the content bucket; it can continue after a crash of any process.

    Workers have reported all articles up to `cursor`; `counts` has their outcomes.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    site: str
    run: str
    preview: str | None = None  # the folder of a preview, whose pages are not published
    section: str | None = None
    since: AwareDatetime | None = None
    is_by_theme: bool = False
    is_enriched_anew: bool = False  # by the current enrichers, before rendering
    max_articles: int | None = None
    started_at: AwareDatetime
    cursor: str = ""
    counts: RunCounts = RunCounts()
    is_done: bool = False
