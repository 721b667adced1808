"""What rendering needs from outside its rules: a theme, which turns views into bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.render.domain.machine_readable import Icon
from services.render.domain.view import ArticleView, CardsView, DaysView, FrontView, RailView, ShellView


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to. `name` holds its hash, so that it can be cached for ever."""

    name: str
    body: bytes
    content_type: str


class Theme(Protocol):
    """How a site looks. The same view gives the same bytes, whenever and wherever it is rendered."""

    @property
    def name(self) -> str:
        """What the site's file calls it."""
        ...

    @property
    def version(self) -> str:
        """A short hash of everything but the view that shapes a page: its templates, its files, our code."""
        ...

    @property
    def theme_color(self) -> str | None:
        """The colour of its pages' ground in light surroundings, in CSS; None where it has none."""
        ...

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every file that its pages refer to, by name."""
        ...

    def article(self, view: ArticleView) -> bytes:
        """Return the page of one article."""
        ...

    @property
    def icons(self) -> tuple[Icon, ...]:
        """The icons that a browser may keep."""
        ...

    def front(self, view: FrontView) -> bytes:
        """Return the front page, or a section's."""
        ...

    def cards(self, view: CardsView) -> bytes:
        """Return the page of a topic, an author or a day."""
        ...

    def days(self, view: DaysView) -> bytes:
        """Return the archive's page of months, or a month's of days."""
        ...

    def search(self, view: ShellView) -> bytes:
        """Return the search page."""
        ...

    def rail(self, view: RailView) -> bytes:
        """Return a fragment that article pages take in: a list without a page around it; empty without cards."""
        ...

    def not_found(self, view: ShellView) -> bytes:
        """Return the page for an address that leads nowhere (404)."""
        ...

    def gone(self, view: ShellView) -> bytes:
        """Return the page for an article that was taken down (410)."""
        ...
