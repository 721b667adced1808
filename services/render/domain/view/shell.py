"""The shell around every page, and its head for browsers, search engines and social networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from services.render.domain.labels import Labels, labels_for
from services.render.domain.languages import direction_of, primary_language
from services.render.domain.machine_readable.feeds import feeds_of
from services.render.domain.open_graph import Tags, share_tags
from shared.model.addresses import is_showable, picture_path
from shared.model.article import Picture
from shared.model.card import CardPicture
from shared.site.keys import url_path
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class Link:
    """A text with an address; an empty `url` means that the text is not a link."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class SectionLink:
    """A section: its id, its name and the address of its front."""

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture that is public. `src` is relative to the site's root, `url` is absolute; sizes in pixels."""

    src: str
    url: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page names in its head."""

    media_type: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class HeadView:
    """The head of a page.

    `share` is OpenGraph's; each `json_ld` is safe inside a `<script>`; `is_listed`: search engines may index the page.
    """

    title: str
    description: str
    canonical_url: str = ""
    share: Tags = ()
    json_ld: tuple[str, ...] = ()
    is_listed: bool = True
    feeds: tuple[FeedLink, ...] = ()


@dataclass(frozen=True, slots=True)
class ShellView:
    """The shell of a page. Links are relative to the site's root; only the head's links are absolute.

    `label_language` is None if the labels are in the page's language; `here` is the page's section.
    """

    head: HeadView = field(compare=False)  # differs per page: two shells are equal if their other fields are
    site_name: str
    tagline: str
    site_language: str
    site_direction: str
    language: str
    direction: str
    labels: Labels
    label_language: str | None
    sections: tuple[SectionLink, ...]
    foot: tuple[Link, ...]
    here: str = ""


def shell_view(
    site: Site, head: HeadView, *, language: str | None = None, direction: str | None = None, here: str = ""
) -> ShellView:
    """Return the shell of a page in `language`, else in the site's language."""
    page_language = language or site.language
    labels = labels_for(page_language)
    return ShellView(
        head=head,
        site_name=site.name,
        tagline=site.tagline,
        site_language=site.language,
        site_direction=direction_of(site.language),
        language=page_language,
        direction=direction or direction_of(page_language),
        labels=labels,
        label_language=labels.language if labels.language != primary_language(page_language) else None,
        sections=_sections(site),
        foot=_foot(site, labels),
        here=here,
    )


def notice_view(site: Site, *, is_gone: bool) -> ShellView:
    """Return the shell of the page for an unknown address (404), or for a removed article (410)."""
    labels = labels_for(site.language)
    title = labels.gone if is_gone else labels.not_found
    description = labels.gone_text if is_gone else labels.not_found_text
    return shell_view(site, HeadView(title=f"{title} | {site.name}", description=description, is_listed=False))


def search_view(site: Site) -> ShellView:
    """Return the shell of the search page; the theme's script makes the results."""
    labels = labels_for(site.language)
    url = f"{site.base_url}/search/"
    description = labels.search_text.format(count=site.search_cards)
    head = HeadView(
        title=f"{labels.search} | {site.name}",
        description=description,
        canonical_url=url,
        share=share_tags(
            site, title=f"{site.name}: {labels.search}", description=description, url=url, language=site.language
        ),
        is_listed=False,
    )
    return shell_view(site, head)


def section_link(site: Site, section: str) -> SectionLink:
    """Return the link to a section's front; for a removed section, its name with a link to the front page."""
    url = f"/{section}/" if site.has_section(section) else "/"
    return SectionLink(id=section, name=site.section_name(section), url=url)


@lru_cache
def _sections(site: Site) -> tuple[SectionLink, ...]:
    return tuple(section_link(site, section.id) for section in site.sections)


@lru_cache
def feed_links(site: Site, section: str | None = None) -> tuple[FeedLink, ...]:
    """Return the feeds that a page names: its section's feeds first."""
    return tuple(FeedLink(*feed) for feed in feeds_of(site, section))


def card_picture(picture: Picture | None) -> CardPicture | None:
    """Return a picture as listings and pages show it, or None if its bytes are unknown."""
    if picture is None or not is_showable(picture):
        return None
    path = picture_path(picture)
    return CardPicture(path=path, width=picture.width or 0, height=picture.height or 0, alt=picture.alt or "")


def picture_view(picture: CardPicture, site: Site) -> PictureView:
    """Return a card's picture as a page shows it."""
    src = url_path(picture.path)
    return PictureView(src=src, url=site.base_url + src, width=picture.width, height=picture.height, alt=picture.alt)


@lru_cache
def _foot(site: Site, labels: Labels) -> tuple[Link, ...]:
    """Return the links at a page's foot; the site's pages about itself only if they are configured."""
    site_pages = (
        (labels.about, site.about_url),
        (labels.contact, site.contact_url),
        (labels.corrections, site.corrections_url),
    )
    permanent = (
        Link(labels.archive, "/archive/"),
        Link(labels.search, "/search/"),
        Link(labels.feeds, "/feed.xml"),
    )
    return (*permanent, *(Link(text, url) for text, url in site_pages if url))
