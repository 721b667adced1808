"""Section, keywords, entities, related stories and addresses of a story."""

from __future__ import annotations

from collections.abc import Iterator

from services.ingest.adapters.readers.addresses import is_web_address
from services.ingest.adapters.readers.ans.story import Story
from services.ingest.adapters.readers.ans.texts import line_of
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import find_section
from services.ingest.adapters.readers.values import Item, objects_in, text_of
from services.ingest.domain.pointers import pointer
from shared.model.slug import is_slug
from shared.site.sites import Site

_KINDS = {
    "person": "person",
    "people": "person",
    "organization": "organisation",
    "organisation": "organisation",
    "org": "organisation",
    "location": "place",
    "place": "place",
    "gpe": "place",
    "event": "event",
}
_USED = frozenset(
    {
        *("tags", "keywords", "seo_keywords", "named_entities", "entities", "custom_entities"),
        *("primary_section", "primary_site", "sections", "sites"),
    }
)
_MACHINE = "is a classification by a machine, which no person confirmed"
_UNUSED = dict.fromkeys(("topics", "categories", "content_topics", "auxiliaries", "custom_categories"), _MACHINE)
_MAX_PATH_STEPS = 6
_MAX_SECTIONS = 100


def read_section(story: Story, builder: ArticleBuilder, site: Site) -> None:
    """Read the section from the story's sections, the primary one first; without one, use the default."""
    for words, where in list(_sections(story))[:_MAX_SECTIONS]:
        section = find_section(site, words)
        if section and "section" not in builder.values:
            builder.set_field("section", section, where)
        elif section != builder.values.get("section") or section is None:
            builder.drop(where, "names no section of the site, or a second one")
    if "section" not in builder.values:
        builder.default_section("no section of the story is one of the site's")


def read_subjects(story: Story, builder: ArticleBuilder) -> None:
    """Read the tags and keywords as keywords, and the named entities."""
    taxonomy = story.item.get("taxonomy")
    if not isinstance(taxonomy, dict):
        return
    where = story.at("taxonomy")
    _read_keywords(taxonomy, where, builder)
    for name, field in (("named_entities", "name"), ("entities", "label"), ("custom_entities", "label")):
        for here, entry in objects_in(taxonomy, name, builder, where):
            kind = _KINDS.get((text_of(entry.get("type")) or "").lower(), "other")
            if label := line_of(entry.get(field)):
                entity = {"name": label, "kind": kind, "uri": text_of(entry.get("_id"))}
                builder.add_entry("entities", entity, here)
            else:
                builder.drop(here, "has no name")
    for name, value in taxonomy.items():
        if name not in _USED and value:
            builder.drop(where + pointer(name), _UNUSED.get(name, "is not used"))


def _read_keywords(taxonomy: Item, where: str, builder: ArticleBuilder) -> None:
    for name, field in (("tags", "text"), ("keywords", "keyword")):
        for here, entry in objects_in(taxonomy, name, builder, where):
            if word := line_of(entry.get(field)) or line_of(entry.get("_id")):
                builder.add_entry("keywords", word, here)
            else:
                builder.drop(here, "has no text")
    words = taxonomy.get("seo_keywords")
    for index, entry in enumerate(words if isinstance(words, list) else ()):
        if word := line_of(entry):
            builder.add_entry("keywords", word, where + pointer("seo_keywords", index))


def read_addresses(story: Story, builder: ArticleBuilder) -> None:
    """Read the canonical address if it has a host, and the slug from the last part of the path."""
    places = [(story.item.get(name), story.at(name)) for name in ("canonical_url_external", "canonical_url")]
    websites = story.item.get("websites")
    own = text_of(story.item.get("canonical_website"))
    names = sorted(websites, key=lambda name: name != own) if isinstance(websites, dict) else []
    paths = [*places[1:], (story.item.get("website_url"), story.at("website_url"))]
    for name in names:
        website = websites[name] if isinstance(websites, dict) else None
        if isinstance(website, dict):
            paths.append((website.get("website_url"), story.at("websites", name, "website_url")))
    for value, where in places:
        address = text_of(value)
        if not address:
            continue
        if not is_web_address(address):
            builder.drop(where, "is a path without a host, so it is no canonical address")
        elif "canonical_url" in builder.values:
            builder.drop(where, "canonical_url_external is used")
        else:
            builder.set_field("canonical_url", address, where)
    for value, where in paths:
        last = (text_of(value) or "").partition("?")[0].rstrip("/").rsplit("/", 1)[-1]
        if "-" in last and is_slug(last):
            builder.set_field("slug", last, where)
            break
    if story.item.get("slug"):
        builder.drop(story.at("slug"), "is a name for internal use (ANS 0.10), not part of an address")


def read_related(story: Story, builder: ArticleBuilder) -> None:
    """Read the related stories; aliases of the story as ids that it replaces."""
    aliases = story.item.get("content_aliases")
    for index, alias in enumerate(aliases if isinstance(aliases, list) else ()):
        if name := text_of(alias):
            builder.add_entry("replaces", name, story.at("content_aliases", index))
    groups = story.item.get("related_content")
    for group, entries in groups.items() if isinstance(groups, dict) else ():
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            _read_related_item(entry, group, story.at("related_content", group, index), builder)


def title_of(item: Item) -> str | None:
    """Return the headline of an inflated item, or None."""
    headlines = item.get("headlines")
    return line_of(headlines.get("basic")) if isinstance(headlines, dict) else None


def _read_related_item(entry: object, group: str, where: str, builder: ArticleBuilder) -> None:
    if not isinstance(entry, dict):
        builder.drop(where, "is not an object")
        return
    kind, referent = (text_of(entry.get("type")) or "").lower(), entry.get("referent")
    if group == "redirect" or kind == "redirect":
        builder.drop(where, "the story itself is published; Arc redirects its address on the sender's site")
        builder.warn("the sender's site redirects readers of this story to another address")
        return
    if kind == "reference" and isinstance(referent, dict) and referent.get("type") in ("story", None):
        identifier, url, title = text_of(referent.get("id")), None, None
    elif kind == "story":
        identifier, title = text_of(entry.get("_id")), title_of(entry)
        url = next((each for name in ("canonical_url", "website_url") if (each := _address(entry, name))), None)
    else:
        builder.drop(where, f"related items of type {kind[:40]!a} are not used")
        return
    if identifier or url:
        builder.add_entry("related", {"source_id": identifier, "url": url, "title": title, "relation": group}, where)
    else:
        builder.drop(where, "names no story")


def _address(item: Item, name: str) -> str | None:
    address = text_of(item.get(name))
    return address if address and is_web_address(address) else None


def _sections(story: Story) -> Iterator[tuple[list[str | None], str]]:
    """Yield (words, pointer) of each section of a story; the primary section comes first."""
    taxonomy = story.item.get("taxonomy")
    taxonomy = taxonomy if isinstance(taxonomy, dict) else {}
    lists: list[tuple[Item, str]] = []
    for name in ("sections", "sites"):
        entries = taxonomy.get(name)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                lists.append((entry, story.at("taxonomy", name, index)))
    singles = [(taxonomy.get(name), story.at("taxonomy", name)) for name in ("primary_section", "primary_site")]
    singles.append((story.item.get("website_section"), story.at("website_section")))
    websites = story.item.get("websites")
    for name, website in websites.items() if isinstance(websites, dict) else ():
        section = website.get("website_section") if isinstance(website, dict) else None
        singles.append((section, story.at("websites", name, "website_section")))
    ordered: list[tuple[Item, str]] = [(each, where) for each, where in singles if isinstance(each, dict)]
    ordered += sorted(lists, key=lambda each: each[0].get("primary") is not True)
    for section, where in ordered:
        yield _words_of(section), where


def _words_of(section: Item) -> list[str | None]:
    """Return the words that may name a section of the site: name, id, and each step of the path from its end."""
    referent = section.get("referent")
    source = referent if isinstance(referent, dict) else section
    words = [text_of(source.get(name)) for name in ("name", "_id", "id", "path")]
    path = text_of(source.get("path")) or text_of(source.get("_id")) or text_of(source.get("id")) or ""
    return [*words, *reversed(path[:500].strip("/").split("/")[:_MAX_PATH_STEPS])]
