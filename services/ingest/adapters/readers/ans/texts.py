"""Headline, standfirst, kicker, people, notes and rights of a story."""

from __future__ import annotations

from collections.abc import Iterator

from services.ingest.adapters.readers.ans.story import Story
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.values import Item, objects_in, text_of
from services.ingest.domain import prose
from services.ingest.domain.pointers import pointer
from shared.model.text import collapsed

_HEADLINES = ("basic", "web", "native", "print", "mobile", "tablet", "social", "meta_title")
_DEKS = ("basic", "web", "native", "print")
_MAX_NOTE_CHARS = 2_000
_MAX_PEOPLE = 60
_NOT_INFLATED = "is a reference that is not inflated"

__all__ = ["line_of", "names_in", "read_headline", "read_lines", "read_notes", "read_people"]


def line_of(value: object) -> str | None:
    """Return a text, with or without inline mark-up, as one plain line; None if there is none."""
    text = text_of(value)
    if text is None:
        return None
    return (prose.plain(text) if prose.has_tags(text) or "&" in text else collapsed(text)) or None


def read_headline(story: Story, builder: ArticleBuilder) -> None:
    """Read the basic headline, otherwise another one."""
    builder.expect("headline", story.at("headlines", "basic"))
    chosen = _chosen(story, "headlines", _HEADLINES, builder)
    if chosen:
        builder.set_field("headline", *chosen)
    elif title := line_of(story.item.get("title")):
        builder.set_field("headline", title, story.at("title"))


def read_lines(story: Story, builder: ArticleBuilder) -> None:
    """Read standfirst, kicker, dateline and rights."""
    _read_standfirst(story, builder)
    _read_kicker(story, builder)
    address = story.item.get("address")
    locality = address.get("locality") if isinstance(address, dict) else None
    for value, where in ((story.item.get("location"), ("location",)), (locality, ("address", "locality"))):
        if (line := line_of(value)) and "dateline" not in builder.values:
            builder.set_field("dateline", line, story.at(*where))
    distributor = story.item.get("distributor")
    holder = line_of(distributor.get("name")) if isinstance(distributor, dict) else None
    notice = line_of(story.item.get("copyright"))
    rights = {"holder": holder, "notice": notice}
    origins = {"holder": story.at("distributor", "name"), "notice": story.at("copyright")}
    found = {name: text for name, text in rights.items() if text}
    if found:
        builder.set_field("rights", found, origins[next(iter(found))])
        for name in found:
            builder.note_origin(f"/rights/{name}", origins[name])


def read_people(story: Story, builder: ArticleBuilder) -> None:
    """Read the authors from the credits; the line of the vanity credits wins as byline."""
    vanity = list(_people(story, "vanity_credits", builder))
    line = ", ".join(name for name, group, _, _ in vanity if group == "by")
    if line:
        builder.set_field("byline", line, story.at("vanity_credits", "by"))
    people = list(_people(story, "credits", builder))
    for name, group, uri, where in people:
        role = None if group == "by" else group.replace("_", " ")[:100]
        builder.add_entry("authors", {"name": name, "role": role, "uri": uri}, where)
    for _, group, _, where in vanity:
        if group != "by":
            builder.drop(where, "only the by line of the vanity credits is used")


def names_in(item: Item) -> str | None:
    """Return the names of the people and agencies that an item credits, as one line; vanity credits win."""
    for field in ("vanity_credits", "credits"):
        found: dict[str, None] = {}
        groups = item.get(field)
        for group in ("by", "affiliation"):
            entries = groups.get(group) if isinstance(groups, dict) else None
            for entry in entries[:_MAX_PEOPLE] if isinstance(entries, list) else ():
                if isinstance(entry, dict) and (name := _name_of(entry)):
                    found[name] = None
        if found:
            return ", ".join(found)
    return None


def read_notes(story: Story, builder: ArticleBuilder, in_body: list[tuple[str, str]]) -> None:
    """Set the public note from the corrections, those of the body too, and the editor's note, each text once.

    `in_body`: the texts and pointers of the body's correction elements.
    """
    found: dict[str, str] = {}
    for where, entry in objects_in(story.item, "corrections", builder, story.where):
        if text := line_of(entry.get("text")):
            found.setdefault(text, where + pointer("text"))
        else:
            builder.drop(where, "has no text")
    for text, where in in_body:
        found.setdefault(text, where)
    if note := line_of(story.item.get("editor_note")):
        found.setdefault(note, story.at("editor_note"))
    length, kept = 0, []
    for text, where in found.items():
        length += len(text) + 1
        if length > _MAX_NOTE_CHARS + 1:
            builder.drop(where, f"the notes together have more than {_MAX_NOTE_CHARS} characters")
            continue
        kept.append(text)
        builder.confirm(where)
    if kept:
        builder.set_field("correction_note", " ".join(kept), found[kept[0]])


def _chosen(story: Story, field: str, preferred: tuple[str, ...], builder: ArticleBuilder) -> tuple[str, str] | None:
    """Return (text, pointer) of the preferred variant of a text, otherwise of the first; the others are left out."""
    variants = story.item.get(field)
    if isinstance(variants, str):
        text = line_of(variants)
        return (text, story.at(field)) if text else None
    if not isinstance(variants, dict):
        if variants is not None:
            builder.drop(story.at(field), "is not an object")
        return None
    texts = {name: text for name, value in variants.items() if (text := line_of(value))}
    name = next((each for each in (*preferred, *texts) if each in texts), None)
    if name is None:
        return None
    for other, text in texts.items():
        if text != texts[name]:
            builder.drop(story.at(field, other), "another variant of this text is used")
    return texts[name], story.at(field, name)


def _read_standfirst(story: Story, builder: ArticleBuilder) -> None:
    headline = builder.values.get("headline")
    for field in ("subheadlines", "description"):
        chosen = _chosen(story, field, _DEKS, builder)
        if chosen is None:
            continue
        if chosen[0] == headline:
            builder.drop(chosen[1], "repeats the headline")
        elif "standfirst" in builder.values:
            builder.drop(chosen[1], "the subheadline is used instead")
        else:
            builder.set_field("standfirst", *chosen)


def _read_kicker(story: Story, builder: ArticleBuilder) -> None:
    labels = story.item.get("label")
    for name, label in labels.items() if isinstance(labels, dict) else ():
        text = line_of(label.get("text")) if isinstance(label, dict) else None
        where = story.at("label", name)
        if not text or not isinstance(label, dict):
            continue
        if label.get("display") is False:
            builder.drop(where, "is not displayed, by its own mark")
        elif name == "basic":
            builder.set_field("kicker", text, where + pointer("text"))
        else:
            builder.drop(where, "the basic label is used")
    owner = story.item.get("owner")
    if isinstance(owner, dict) and owner.get("sponsored") is True and "kicker" not in builder.values:
        builder.set_field("kicker", "Sponsored", story.at("owner", "sponsored"))
        builder.warn("the story is advertising without a label; its kicker became Sponsored")


def _people(story: Story, field: str, builder: ArticleBuilder) -> Iterator[tuple[str, str, str | None, str]]:
    """Yield (name, group, uri, pointer) of the people of a story's credits."""
    groups = story.item.get(field)
    if not isinstance(groups, dict):
        return
    for group, entries in groups.items():
        if not isinstance(entries, list):
            if entries is not None:
                builder.drop(story.at(field, group), "is not a list")
            continue
        for index, entry in enumerate(entries):
            where = story.at(field, group, index)
            name = _name_of(entry) if isinstance(entry, dict) else None
            if name and index < _MAX_PEOPLE:
                yield name, group, text_of(entry.get("_id")), where
                continue
            is_reference = isinstance(entry, dict) and entry.get("type") == "reference"
            builder.drop(where, _NOT_INFLATED if is_reference else "has no name")


def _name_of(author: Item) -> str | None:
    """Return an author's public name."""
    parts = (line_of(author.get(name)) for name in ("first_name", "middle_name", "last_name"))
    return line_of(author.get("byline")) or line_of(author.get("name")) or " ".join(filter(None, parts)) or None
