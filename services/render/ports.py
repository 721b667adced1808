"""The port of rendering: a theme, which turns views into bytes."""

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
    """The look of a site. The same view always gives the same bytes, in every process."""

    @property
    def name(self) -> str:
        """The theme's name in the site's file."""
        ...

    @property
    def version(self) -> str:
        """A short hash of all inputs of a page but its view: the templates, the files, our code."""
        ...

    @property
    def theme_color(self) -> str | None:
        """The background colour of the pages in light mode, in CSS; None if the theme has none."""
        ...

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The files that the pages refer to, sorted by name."""
        ...

    def article(self, view: ArticleView) -> bytes:
        """Return the page of one article."""
        ...

    @property
    def icons(self) -> tuple[Icon, ...]:
        """The icons for browsers that install the site."""
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
        """Return the fragment that article pages include: a list without a page around it; empty without cards."""
        ...

    def not_found(self, view: ShellView) -> bytes:
        """Return the page for an unknown address (404)."""
        ...

    def gone(self, view: ShellView) -> bytes:
        """Return the page for an article that was taken down (410)."""
        ...
