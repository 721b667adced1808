"""What a reader made of a document: nothing that was sent vanishes without a word."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict


class Dropped(BaseModel):
    """A part of what was sent that did not become part of the article."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    reason: str


class Report(BaseModel):
    """Format, the parts that were kept and dropped (JSON pointers into what was sent), and what to look at."""

    model_config = ConfigDict(frozen=True)

    format: str
    kept: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()

    def with_warning(self, warning: str) -> Report:
        """Return the report with one more thing to look at."""
        return self.with_warnings((warning,))

    def with_warnings(self, warnings: Iterable[str]) -> Report:
        """Return the report with more things to look at, each said once."""
        return self.model_copy(update={"warnings": tuple(dict.fromkeys((*self.warnings, *warnings)))})
