"""A site's listings by name, by path and by membership. Their kinds: `shared/site/listing_kinds.py`.

A listing is any output made of several cards, or a file for machines (robots.txt, manifest). All are rendered,
published and stored in the same way. The name identifies a listing: `section.world`, `day.world.2026-11-01`,
`feed.rss`, `sitemap.2026-11-01.2`. Each name has one path, so that extra objects in the public bucket are recognised.

Fronts show the newest cards of one membership. Older pages follow the calendar: an article is on one page of its day
and on one page of its section's day, and other articles do not move it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from shared.model.slug import is_slug
from shared.site.listing_kinds import ALL, HTML, KINDS, MAX_CARDS_PER_PART, Form, KindDefinition, ListingKind
from shared.site.sites import Site

__all__ = ["ALL", "GONE", "HOME", "HTML", "MAX_CARDS_PER_PART", "NOT_FOUND", "RAIL_LATEST", "Listing", "ListingKind"]

HOME = "home"
RAIL_LATEST = "rail.latest"
NOT_FOUND = "not-found"
GONE = "gone"
MAX_PARTS = 32
_ARTICLE = "article."
_FEEDS = (ListingKind.RSS, ListingKind.ATOM, ListingKind.JSON_FEED)
_MAX_CACHED_NAMES = 8192

_KINDS: Mapping[ListingKind, KindDefinition] = {each.kind: each for each in KINDS}
_Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """One output at `path`: the newest `limit` cards of `membership`; `day_scope`: the scope whose days it names.

    `section`, `value` (the name of a topic's or author's page, a day or a month) and `part` (from 1) identify it
    within its kind.
    """

    name: str
    kind: ListingKind
    path: str
    membership: str = ""
    limit: int = 0
    day_scope: str = ""
    section: str | None = None
    value: str = ""
    part: int = 1
    has_parts: bool = False

    @property
    def definition(self) -> KindDefinition:
        """Return the definition of its kind: rendering, caching, refreshing."""
        return _KINDS[self.kind]

    @property
    def content_type(self) -> str:
        """Return the content type of its object."""
        return self.definition.content_type

    @property
    def first_part(self) -> str:
        """Return the name of the first part of the same listing."""
        return self.name.removesuffix(f".{self.part}") if self.part > 1 else self.name

    @property
    def is_front(self) -> bool:
        """Tell whether it shows the newest articles, so that it is rendered before the calendar."""
        return self.definition.is_front

    @property
    def is_permanent(self) -> bool:
        """Tell whether the site has it even without articles."""
        return not self.value


@cache
def permanent_listings(site: Site) -> Mapping[str, Listing]:
    """Return the permanent listings of a site, by name."""
    return {listing.name: listing for listing in _permanent(site)}


def _permanent(site: Site) -> Iterator[Listing]:
    for kind in KINDS:
        for form in kind.forms if kind.is_on(site) else ():
            fields = {*_PLACEHOLDER.findall(form.name)}
            sections: tuple[_Fields, ...] = ({},)
            if fields == {"section"}:
                sections = tuple({"section": each.id} for each in site.sections)
            if fields <= {"section"}:
                yield from (listing for each in sections if (listing := _listing(site, kind, form, each)))


@cache
def output_feeds(site: Site) -> tuple[Listing, ...]:
    """Return the output feeds of a site: RSS, Atom and JSON Feed, of all articles and of each section."""
    return tuple(listing for listing in permanent_listings(site).values() if listing.kind in _FEEDS)


@lru_cache(maxsize=_MAX_CACHED_NAMES)
def find_listing(site: Site, name: str) -> Listing | None:
    """Return the listing of a name; None if the site has none of that name (any more)."""
    return permanent_listings(site).get(name) or _find(site, name, "name")


def listing_of(site: Site, name: str) -> Listing:
    """Return the listing of a name.

    Raises:
        KeyError: the site has no such listing (its section was removed from the settings).
    """
    found = find_listing(site, name)
    if found is None:
        raise KeyError(name)
    return found


def listing_at(site: Site, path: str) -> Listing | None:
    """Return the listing at a path of the public bucket; None if the path is no listing's."""
    return _by_path(site).get(path) or _find(site, path, "path")


@cache
def _by_path(site: Site) -> Mapping[str, Listing]:
    return {listing.path: listing for listing in permanent_listings(site).values()}


@lru_cache(maxsize=_MAX_CACHED_NAMES)
def listings_showing(site: Site, membership: str) -> tuple[Listing, ...]:
    """Return the listings that show the cards of a membership; of a listing in parts, its first part."""
    found = _find_forms(site, membership, "membership") if ":" in membership else ()
    permanent = (listing for listing in permanent_listings(site).values() if listing.membership == membership)
    return tuple({listing.name: listing for listing in (*permanent, *found)}.values())


@lru_cache(maxsize=_MAX_CACHED_NAMES)
def calendar_of(site: Site, scope: str, day: str) -> tuple[Listing, ...]:
    """Return the listings that name a day of a scope (`all`, or a section), without the day's own listings."""
    fields = _dated({"day": day} if scope == ALL else {"day": day, "section": scope})
    return tuple(
        listing
        for kind in KINDS
        for form in kind.forms
        if form.day_scope == (ALL if scope == ALL else "{section}") and not form.membership
        if (listing := _listing(site, kind, form, fields)) is not None
    )


def _find(site: Site, text: str, pattern: str) -> Listing | None:
    return next(_find_forms(site, text, pattern), None)


def _find_forms(site: Site, text: str, pattern: str) -> Iterator[Listing]:
    """Yield the listings with this name, path or membership."""
    for kind, form, first, further in _DATED_FORMS[pattern]:
        part = 1
        found = first.fullmatch(text)
        if found is None and further is not None and (found := further.fullmatch(text)):
            part = int(found["part"])
        if found is None or (further is not None and found.re is further and not 1 < part <= MAX_PARTS):
            continue
        if (listing := _listing(site, kind, form, _dated(found.groupdict()), part)) is not None:
            yield listing


def _listing(site: Site, kind: KindDefinition, form: Form, fields: _Fields, part: int = 1) -> Listing | None:
    """Return a listing of a form; None if the site has no such section or the slug is invalid."""
    section, slug = fields.get("section"), fields.get("slug")
    if (section is not None and not site.has_section(section)) or (slug is not None and not is_slug(slug)):
        return None
    name, path = form.name, form.path
    if part > 1:
        name, path = f"{form.name}.{part}", form.part_path
    named = {*_PLACEHOLDER.findall(form.name)}
    value = next((fields[each] for each in ("slug", "day", "month") if each in named), "")
    return Listing(
        name=name.format_map(fields),
        kind=kind.kind,
        path=path.format_map({**fields, "part": str(part)}),
        membership=form.membership.format_map(fields),
        limit=kind.limit(site),
        day_scope=form.day_scope.format_map(fields),
        section=section if "section" in named else None,
        value=value,
        part=part,
        has_parts=bool(form.part_path),
    )


def _dated(fields: _Fields) -> _Fields:
    """Return the fields of a name or path, with its date in every form that patterns use."""
    if "yyyy" in fields:
        fields["day" if "dd" in fields else "month"] = "-".join(fields[each] for each in _DATE if each in fields)
    date = fields.get("day") or fields.get("month")
    if date:
        fields |= dict(zip(_DATE, date.split("-"), strict=False))
        fields["month"] = date[: len("yyyy-mm")]
    return fields


_DATE = ("yyyy", "mm", "dd")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_VALUES = {
    "section": r"[a-z0-9]+(?:-[a-z0-9]+)*",
    "slug": r"[^./]+",
    "day": r"\d{4}-\d{2}-\d{2}",
    "month": r"\d{4}-\d{2}",
    "yyyy": r"\d{4}",
    "mm": r"\d{2}",
    "dd": r"\d{2}",
    "part": r"\d{1,2}",
}


def _regex(pattern: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(pattern)
    texts, names = parts[::2], parts[1::2]
    fields = [f"(?P<{name}>{_VALUES[name]})" for name in names]
    return re.compile("".join(part for pair in zip(map(re.escape, texts), [*fields, ""], strict=True) for part in pair))


def _dated_forms(pattern: str) -> tuple[tuple[KindDefinition, Form, re.Pattern[str], re.Pattern[str] | None], ...]:
    found = []
    for kind in KINDS:
        for form in kind.forms:
            text = getattr(form, pattern)
            if not text or {*_PLACEHOLDER.findall(form.name)} <= {"section"}:
                continue
            further = {"name": f"{form.name}.{{part}}", "path": form.part_path}.get(pattern, "")
            found.append((kind, form, _regex(text), _regex(further) if form.part_path and further else None))
    return tuple(found)


_DATED_FORMS = {pattern: _dated_forms(pattern) for pattern in ("name", "path", "membership")}


def part_name(name: str, part: int) -> str:
    """Return the name of a part of a listing; `name` is the name of its first part."""
    return name if part == 1 else f"{name}.{part}"


def article_page(article: str) -> str:
    """Return the name of an article's own page in the index."""
    return f"{_ARTICLE}{article}"


def find_article(page: str) -> str | None:
    """Return the article of a page name; None for a listing."""
    return page.removeprefix(_ARTICLE) if page.startswith(_ARTICLE) else None
