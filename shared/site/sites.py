"""The sites that this installation publishes, one TOML file each (`infra/sites`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.model.article import Identifier, LanguageTag, Name, OneLineText, Rights
from shared.model.slug import Script
from shared.runtime.errors import UnknownFeedError, UnknownSiteError

_MINUTE = timedelta(minutes=1)
SETTINGS_NOT_SHOWN = frozenset(("bucket", "prefix", "nested", "edge_id", "listing_interval_seconds", "feeds"))
"""Settings that change no byte of a page. All others are part of the page version, and so is any new one."""

RESERVED_FOLDERS = frozenset(("archive", "assets", "authors", "media", "search", "sitemaps", "topics"))
"""Folders of the public bucket that listings and files use; no section has such an id."""

MIN_POLL_INTERVAL_SECONDS = 10
INCOMING_PREFIX = "incoming/"
REFUSED_SUFFIX = "-refused/"
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s#]+$", max_length=2000)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:  # OSError: the name of a folder, such as `Europe`
        raise ValueError(f"there is no time zone {name[:40]!a}") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone, such as Europe/Brussels."""


class Section(BaseModel):
    """A part of the site that articles belong to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    name: str


class Feed(BaseModel):
    """A sender's configuration in a site.

    Items without a `source` get the feed's, so that the token never decides an article's identity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    name: OneLineText
    source: Identifier
    formats: tuple[Name, ...] = ()  # accepted formats (`ninjs`, `pressline`); empty: all
    section: Name | None = None  # default for items without one; None: the site's default section
    language: LanguageTag | None = None  # default for items without one; None: the site's language
    zone: Zone | None = None  # of times that state none, such as Europe/Brussels; None: the site's zone
    rights: Rights | None = None  # default for items without rights
    signed_takedown: bool = True  # whether a signed request (see `pressline feeds secret`) may remove articles
    poll_url: HttpUrl | None = None  # the relay fetches the sender's document here
    poll_interval_seconds: Annotated[int, Field(ge=MIN_POLL_INTERVAL_SECONDS, le=86_400)] = 300
    follows_hub: bool = True  # subscribe to the WebSub hub that a polled document announces (PRESSLINE_PUBLIC_API_URL)
    watch_prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)+$", max_length=200)] | None = None
    watch_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{2,62}$")] | None = None  # None: the content bucket
    fetched_takedown: bool = False  # whether a polled document or a watched file may remove articles

    @field_validator("poll_url")
    @classmethod
    def _url_has_no_password(cls, url: str | None) -> str | None:
        if url is not None and "@" in urlsplit(url).netloc:
            raise ValueError("an address to poll has no name and password: logs and `pressline feeds` show it")
        return url

    @model_validator(mode="after")
    def _prefix_holds_only_files_of_the_sender(self) -> Self:
        if self.watch_prefix is None:
            if self.watch_bucket is not None:
                raise ValueError("watch_bucket needs a watch_prefix, such as wire/")
        elif self.watch_bucket is None and not self.watch_prefix.startswith(INCOMING_PREFIX):
            raise ValueError(f"in the content bucket, watch_prefix begins with {INCOMING_PREFIX}: its files are moved")
        elif self.watch_prefix.endswith(REFUSED_SUFFIX):
            raise ValueError(f"watch_prefix cannot end with {REFUSED_SUFFIX}: such a folder holds refused files")
        return self


DEFAULT_FEED = Feed(id="newsroom", name="Newsroom", source="newsroom")
"""The feed of a site that configures none."""


class Site(BaseModel):
    """A site's names, addresses, sections, feeds and page settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    name: str
    tagline: str
    base_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
    zone: Zone
    language: LanguageTag
    theme: Name
    default_section: Name
    sections: tuple[Section, ...]
    feeds: Annotated[tuple[Feed, ...], Field(min_length=1)] = (DEFAULT_FEED,)
    bucket: str | None = None  # of its pages; None: the bucket that all sites share
    slug: Script = "unicode"  # letters of addresses: the headline's script, or a-z only (`ascii`); ADR 8
    prefix: Annotated[str, Field(pattern=r"^([a-z0-9-]+/)?$")] = ""  # of its keys in the bucket: `almina/`
    nested: tuple[str, ...] = ()  # key prefixes of other sites within this one; set by `load_sites`
    edge_id: str | None = None  # the vendor's service, zone or distribution; None: PRESSLINE_EDGE_ID
    home_cards: Annotated[int, Field(ge=1, le=200)] = 24
    rail_cards: Annotated[int, Field(ge=1, le=50)] = 8
    front_cards: Annotated[int, Field(ge=1, le=200)] = 30  # of a section, a topic, an author
    feed_items: Annotated[int, Field(ge=1, le=200)] = 30
    feed_text: Literal["summary", "full"] = "summary"
    hub_url: HttpUrl | None = None  # WebSub, of its output feeds
    search_cards: Annotated[int, Field(ge=1, le=5000)] = 500  # searched by the search page
    has_llms_txt: bool = False
    logo_url: str | None = None  # for search engines; a PNG of at least 112 pixels
    share_picture_url: str | None = None  # for articles without a picture
    about_url: str | None = None
    contact_url: str | None = None
    corrections_url: str | None = None
    principles_url: str | None = None  # the newsroom's principles
    social_urls: tuple[str, ...] = ()
    listing_interval_seconds: Annotated[float, Field(gt=0, le=300)] = 1.0

    @field_validator("sections")
    @classmethod
    def _sections_are_not_reserved(cls, sections: tuple[Section, ...]) -> tuple[Section, ...]:
        if taken := sorted({section.id for section in sections} & RESERVED_FOLDERS):
            raise ValueError(f"a section cannot have the id {', '.join(taken)}: other pages use this path")
        return sections

    @model_validator(mode="after")
    def _feeds_are_valid(self) -> Self:
        ids = [feed.id for feed in self.feeds]
        if twice := sorted({feed for feed in ids if ids.count(feed) > 1}):
            raise ValueError(f"two feeds have the id {', '.join(twice)}; each needs its own id")
        for feed in self.feeds:
            if feed.section is not None and not self.has_section(feed.section):
                raise ValueError(f"feed {feed.id}: {feed.section} is not a section of the site")
        return self

    def __hash__(self) -> int:
        """Return the hash of its id: caches by site are read about ten times a page, and all settings are many."""
        return hash(self.id)

    @property
    def shown_settings(self) -> str:
        """Return the settings that change pages, as JSON: equal settings give equal text."""
        return self.model_dump_json(exclude=set(SETTINGS_NOT_SHOWN))

    def section_name(self, section: str) -> str:
        """Return the section's name for readers; its id if the site has no such section any more."""
        return next((known.name for known in self.sections if known.id == section), section)

    def get_feed(self, feed: str) -> Feed:
        """Return a feed by id.

        Raises:
            UnknownFeedError: the site does not configure it.
        """
        for known in self.feeds:
            if known.id == feed:
                return known
        raise UnknownFeedError(
            f"site {self.id} has no feed {feed}; it has {', '.join(known.id for known in self.feeds)}"
        )

    def has_section(self, section: str) -> bool:
        """Tell whether the section is one of the site's."""
        return any(known.id == section for known in self.sections)


@cache
def load_sites(folder: Path, base_url: str | None = None) -> dict[str, Site]:
    """Return the sites of a folder of TOML files by id.

    `base_url` replaces the one in each file: a stack on a laptop serves the same site at another address.

    Raises:
        ValueError: a file does not describe a site; the message names the file.
    """
    sites: dict[str, Site] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            site = Site.model_validate(values | ({"base_url": base_url} if base_url else {}))
        except ValueError as error:
            raise ValueError(f"{path} does not describe a site: {error}") from error
        sites[site.id] = site
    _check_prefixes(folder, sites)
    _check_watched(folder, sites)
    sites = {
        name: site.model_copy(update={"nested": nested_prefixes(site, sites.values())}) for name, site in sites.items()
    }
    return _with_base_urls(sites, base_url)


def _check_prefixes(folder: Path, sites: Mapping[str, Site]) -> None:
    places: dict[tuple[str | None, str], str] = {}
    for site in sites.values():
        other = places.setdefault((site.bucket, site.prefix), site.id)
        if other != site.id:
            raise ValueError(
                f"{folder}: {other} and {site.id} would put their pages at the same keys; give one a prefix"
            )
    for site in sites.values():
        taken = {*RESERVED_FOLDERS, *(section.id for section in site.sections)}
        if clash := taken.intersection(prefix.strip("/") for prefix in nested_prefixes(site, sites.values())):
            raise ValueError(
                f"{folder}: {site.id} has pages of its own at {', '.join(clash)}; give the other site a prefix"
            )


def _check_watched(folder: Path, sites: Mapping[str, Site]) -> None:
    watched = sorted(
        (feed.watch_bucket or "", feed.watch_prefix, f"{site.id}/{feed.id}")
        for site in sites.values()
        for feed in site.feeds
        if feed.watch_prefix
    )
    for (bucket, prefix, name), (next_bucket, next_prefix, next_name) in pairwise(watched):
        if bucket == next_bucket and next_prefix.startswith(prefix):
            raise ValueError(f"{folder}: {name} and {next_name} watch the same files; give each a prefix of its own")


def nested_prefixes(site: Site, sites: Iterable[Site]) -> tuple[str, ...]:
    """Return the key prefixes of other sites whose pages lie below this site's prefix, relative to it."""
    return tuple(
        other.prefix.removeprefix(site.prefix)
        for other in sites
        if other.id != site.id and other.bucket == site.bucket and other.prefix.startswith(site.prefix)
    )


def _with_base_urls(sites: dict[str, Site], base_url: str | None) -> dict[str, Site]:
    """Return the sites with their base URLs replaced; each site after the first gets its id as a subdomain.

    Browsers resolve `almina.localhost` to this machine.
    """
    if base_url is None or len(sites) == 1:
        return sites
    address = urlsplit(base_url)
    port = f":{address.port}" if address.port else ""
    addresses = {name: f"{address.scheme}://{name}.localhost{port}" for name in list(sites)[1:]}
    return {
        name: site.model_copy(update={"base_url": addresses.get(name, site.base_url)}) for name, site in sites.items()
    }


def get_site(sites: Mapping[str, Site], site: str) -> Site:
    """Return a site by id.

    Raises:
        UnknownSiteError: no such site is configured.
    """
    if site not in sites:
        raise UnknownSiteError(f"there is no site {site}; the sites are {', '.join(sites)}")
    return sites[site]


def local_time(at: datetime, zone: str) -> datetime:
    """Return an instant in a time zone, with its offset in whole minutes.

    Local mean time had seconds (Asia/Kolkata was +05:21:10 until 1906). RFC 3339 and HTML allow no such offset, so the
    offset is rounded; the instant stays the same.
    """
    local = at.astimezone(ZoneInfo(zone))
    offset = local.utcoffset() or timedelta()
    if offset % _MINUTE:
        return at.astimezone(timezone(_MINUTE * round(offset / _MINUTE)))
    return local
