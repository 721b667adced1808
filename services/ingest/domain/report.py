"""A reader's report on a document: each part is reported as kept or as dropped."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict


class Dropped(BaseModel):
    """A part of the document that is not in the article."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    reason: str


class Report(BaseModel):
    """The format, the kept and dropped parts (JSON pointers into the document), and warnings for editors."""

    model_config = ConfigDict(frozen=True)

    format: str
    kept: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()

    def with_warning(self, warning: str) -> Report:
        """Return the report with one more warning."""
        return self.with_warnings((warning,))

    def with_warnings(self, warnings: Iterable[str]) -> Report:
        """Return the report with more warnings, without duplicates."""
        return self.model_copy(update={"warnings": tuple(dict.fromkeys((*self.warnings, *warnings)))})
