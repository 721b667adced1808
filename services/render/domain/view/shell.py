"""What surrounds every page, and what its head tells browsers, search engines and whoever shares it."""

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
    """Words that lead somewhere."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class SectionLink:
    """A section by its id, its name and where the reader finds it."""

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
    """What a page's head says.

    `share` is OpenGraph's; each `json_ld` is safe inside a `<script>`; `is_listed`: search engines may keep the page.
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
    """What surrounds a page. Links are relative to the site's root; only the head's are absolute.

    `label_language` is given only where the labels are not in the page's language; `here` is the section it is in.
    """

    head: HeadView = field(compare=False)  # a page's own: two shells are the same where the rest is
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
    """Return what surrounds a page in `language`; in the site's own where none is given."""
    spoken = language or site.language
    labels = labels_for(spoken)
    return ShellView(
        head=head,
        site_name=site.name,
        tagline=site.tagline,
        site_language=site.language,
        site_direction=direction_of(site.language),
        language=spoken,
        direction=direction or direction_of(spoken),
        labels=labels,
        label_language=labels.language if labels.language != primary_language(spoken) else None,
        sections=_sections(site),
        foot=_foot(site, labels),
        here=here,
    )


def notice_view(site: Site, *, is_gone: bool) -> ShellView:
    """Return what surrounds the page for an address that leads nowhere (404), or for what was taken down (410)."""
    labels = labels_for(site.language)
    said = labels.gone if is_gone else labels.not_found
    explained = labels.gone_text if is_gone else labels.not_found_text
    return shell_view(site, HeadView(title=f"{said} | {site.name}", description=explained, is_listed=False))


def search_view(site: Site) -> ShellView:
    """Return what surrounds the search page; the rest of it is the theme's script."""
    labels = labels_for(site.language)
    url = f"{site.base_url}/search/"
    explained = labels.search_text.format(count=site.search_cards)
    head = HeadView(
        title=f"{labels.search} | {site.name}",
        description=explained,
        canonical_url=url,
        share=share_tags(
            site, title=f"{site.name}: {labels.search}", description=explained, url=url, language=site.language
        ),
        is_listed=False,
    )
    return shell_view(site, head)


def section_link(site: Site, section: str) -> SectionLink:
    """Return where a section's front is; of one that has gone, its name leads to the front page."""
    url = f"/{section}/" if site.has_section(section) else "/"
    return SectionLink(id=section, name=site.section_name(section), url=url)


@lru_cache
def _sections(site: Site) -> tuple[SectionLink, ...]:
    return tuple(section_link(site, section.id) for section in site.sections)


@lru_cache
def feed_links(site: Site, section: str | None = None) -> tuple[FeedLink, ...]:
    """Return the feeds that a page names: its section's first."""
    return tuple(FeedLink(*feed) for feed in feeds_of(site, section))


def card_picture(picture: Picture | None) -> CardPicture | None:
    """Return a picture as listings and pages show it, or None where its bytes are not known."""
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
    """Return the links at a page's foot; what the house says of itself only where it has a page for it."""
    house = (
        (labels.about, site.about_url),
        (labels.contact, site.contact_url),
        (labels.corrections, site.corrections_url),
    )
    ours = (
        Link(labels.archive, "/archive/"),
        Link(labels.search, "/search/"),
        Link(labels.feeds, "/feed.xml"),
    )
    return (*ours, *(Link(text, url) for text, url in house if url))
