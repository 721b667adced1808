"""A site's listings by name, by path and by the membership that they show. Their kinds: `shared/site/listing_kinds.py`.

A listing is any output made of several cards, and every machine's file too (robots, manifest): rendered, published and
stored alike. Its name says all of it: `section.world`, `day.world.2026-11-01`, `feed.rss`, `sitemap.2026-11-01.2`.
Names and paths are one to one, so that what the public bucket holds can be told from what does not belong there.

Fronts show the newest cards of one membership. Older pages go by calendar: an article stands on one page of its day,
and in its section on one page of its section's day, whatever comes before or after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from shared.model.slug import is_slug
from shared.site.listing_kinds import ALL, DAY_CARDS, HTML, KINDS, Form, KindDefinition, ListingKind
from shared.site.sites import Site

__all__ = ["ALL", "DAY_CARDS", "GONE", "HOME", "HTML", "NOT_FOUND", "RAIL_LATEST", "Listing", "ListingKind"]

HOME = "home"
RAIL_LATEST = "rail.latest"
NOT_FOUND = "not-found"
GONE = "gone"
MAX_PARTS = 32
_ARTICLE = "article."
_NAMES_REMEMBERED = 8192

_KINDS: Mapping[ListingKind, KindDefinition] = {each.kind: each for each in KINDS}
_Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """One output at `path`: the newest `limit` cards of the membership `reads`; `days`: the scope whose days it names.

    `section`, `value` (the name of a topic's or author's page, a day or month) and `part` (from 1) say which of its
    kind it is.
    """

    name: str
    kind: ListingKind
    path: str
    reads: str = ""
    limit: int = 0
    days: str = ""
    section: str | None = None
    value: str = ""
    part: int = 1
    has_parts: bool = False

    @property
    def of_kind(self) -> KindDefinition:
        """Return how listings of its kind are rendered, cached and refreshed."""
        return _KINDS[self.kind]

    @property
    def content_type(self) -> str:
        """Return what its object is served as."""
        return self.of_kind.content_type

    @property
    def first_part(self) -> str:
        """Return the name of the first part of the listing that this is a part of."""
        return self.name.removesuffix(f".{self.part}") if self.part > 1 else self.name

    @property
    def is_front(self) -> bool:
        """Tell whether readers look here for the news of the minute: it goes before the calendar."""
        return self.of_kind.is_front

    @property
    def is_permanent(self) -> bool:
        """Tell whether the site always has it, whatever it publishes."""
        return not self.value


@cache
def permanent_listings(site: Site) -> Mapping[str, Listing]:
    """Return the listings that a site always has, by name."""
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


@lru_cache(maxsize=_NAMES_REMEMBERED)
def find_listing(site: Site, name: str) -> Listing | None:
    """Return what a listing's name stands for; None where the site has none of that name (any more)."""
    return permanent_listings(site).get(name) or _find(site, name, "name")


def listing_of(site: Site, name: str) -> Listing:
    """Return what a listing's name stands for.

    Raises:
        KeyError: the site has no such listing (a section that was taken out of its settings).
    """
    found = find_listing(site, name)
    if found is None:
        raise KeyError(name)
    return found


def listing_at(site: Site, path: str) -> Listing | None:
    """Return the listing whose page has this key in the public bucket; None for what is no listing's."""
    return _by_path(site).get(path) or _find(site, path, "path")


@cache
def _by_path(site: Site) -> Mapping[str, Listing]:
    return {listing.path: listing for listing in permanent_listings(site).values()}


@lru_cache(maxsize=_NAMES_REMEMBERED)
def readers_of(site: Site, membership: str) -> tuple[Listing, ...]:
    """Return the listings that show the cards of a membership, of those in parts the first part."""
    found = (_find_forms(site, membership, "reads")) if ":" in membership else ()
    permanent = (listing for listing in permanent_listings(site).values() if listing.reads == membership)
    return tuple({listing.name: listing for listing in (*permanent, *found)}.values())


@lru_cache(maxsize=_NAMES_REMEMBERED)
def calendar_of(site: Site, scope: str, day: str) -> tuple[Listing, ...]:
    """Return the listings that name a day of a scope (`all`, or a section), but for the day's own."""
    fields = _dated({"day": day} if scope == ALL else {"day": day, "section": scope})
    return tuple(
        listing
        for kind in KINDS
        for form in kind.forms
        if form.days == (ALL if scope == ALL else "{section}") and not form.reads
        if (listing := _listing(site, kind, form, fields)) is not None
    )


def _find(site: Site, text: str, pattern: str) -> Listing | None:
    return next(_find_forms(site, text, pattern), None)


def _find_forms(site: Site, text: str, pattern: str) -> Iterator[Listing]:
    """Yield the listings of which `text` is the name, the path or the membership."""
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
    """Return a listing of a form; None where the site has no such section, or no page is called so."""
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
        reads=form.reads.format_map(fields),
        limit=kind.limit(site),
        days=form.days.format_map(fields),
        section=section if "section" in named else None,
        value=value,
        part=part,
        has_parts=bool(form.part_path),
    )


def _dated(fields: _Fields) -> _Fields:
    """Return the fields of a name or path with a date in all the ways in which patterns name it."""
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
    pieces = _PLACEHOLDER.split(pattern)
    texts, names = pieces[::2], pieces[1::2]
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


_DATED_FORMS = {pattern: _dated_forms(pattern) for pattern in ("name", "path", "reads")}


def part_name(name: str, part: int) -> str:
    """Return the name of a part of a listing; `name` is the first part's."""
    return name if part == 1 else f"{name}.{part}"


def article_page(article: str) -> str:
    """Return what an article's own page is called where it is stale as a listing may be: a card it shows changed."""
    return f"{_ARTICLE}{article}"


def find_article(page: str) -> str | None:
    """Return the article whose own page is meant; None for a listing."""
    return page.removeprefix(_ARTICLE) if page.startswith(_ARTICLE) else None
