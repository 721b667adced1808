"""The byline of an article, in parts: each author's full name links to the author's page."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import regex
from babel.lists import format_list

from services.render.domain.languages import locale_for
from services.render.domain.people import Person, people_of
from services.render.domain.view.shell import Link
from shared.model.article import ArticleFacts
from shared.site.keys import url_path
from shared.site.sites import Site

_PERSON_PLACEHOLDER = regex.compile("\ue000(\\d+)\ue001")  # private use: replaces a person while Babel joins the list
_EQUIVALENT_CHARACTERS = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-"})
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
# A name is whole if no letter, digit or hyphenated part continues it. Arabic and Hebrew attach "and" to the next name,
# Korean attaches it to the name before.
_BEGINS = regex.compile(r"(?<![\p{L}\p{M}\p{N}])(?<![\p{L}\p{M}\p{N}]['-])|(?<=(?<![\p{L}\p{M}\p{N}])[\u0648\u05d5])")
_ENDS = regex.compile(
    r"(?![\p{L}\p{M}\p{N}]|['-][\p{L}\p{N}])|(?='s(?![\p{L}\p{M}]))|(?=[\uc640\uacfc](?![\p{L}\p{M}]))"
)
# Scripts without spaces: the words next to a reporter's name, or "and" with the name of another author.
_BEFORE_UNSPACED = (
    "记者",
    "記者",
    "通讯员",
    "特派员",
    "特派員",
    "作者",
    "编辑",
    "摄影",
    "攝影",
    "撮影",
    "文",
    "图",
    "โดย",
)
_AFTER_UNSPACED = ("报道", "報道", "报导", "摄影", "攝影", "撮影", "文", "图", "撰", "发自", "發自", "记者", "記者")
_AND_UNSPACED = ("和", "与", "與", "及", "同", "と", "และ")


def byline_of(site: Site, facts: ArticleFacts) -> tuple[Link, ...]:
    """Return the byline as the sender wrote it, else the authors' names as a list in their language.

    Each whole name links to its page. A role follows the name, unless the line contains the role. An author with a role
    whom the line does not name follows at its end.
    """
    people = people_of(site, facts)
    if not facts.byline:
        return tuple(_joined(people, facts.language))
    line = unicodedata.normalize("NFC", facts.byline)
    named: list[int] = []
    parts = [*_linked(line, people, named)]
    for place, person in enumerate(people):
        if person.roles and place not in named:
            parts += [Link(" \u00b7 ", ""), *_with_roles(person, person.name, person.roles)]
    return tuple(parts)


def _joined(people: Sequence[Person], language: str) -> Iterator[Link]:
    places = [f"\ue000{place}\ue001" for place, _ in enumerate(people)]
    text = format_list(places, locale=locale_for(language)) if places else ""
    for number, part in enumerate(_PERSON_PLACEHOLDER.split(text)):
        if number % 2:
            person = people[int(part)]
            yield from _with_roles(person, person.name, person.roles)
        elif part:
            yield Link(part, "")


def _linked(line: str, people: Sequence[Person], named: list[int]) -> Iterator[Link]:
    """Yield the parts of a line, and add the places of the named people to `named`."""
    by_name: dict[str, list[int]] = {}
    for place, person in enumerate(people):
        if name := _folded(person.name)[0]:
            by_name.setdefault(name, []).append(place)
    rest = 0
    for start, end, name in _whole_names(line, tuple(by_name)):
        namesakes = by_name[name]
        place = next((each for each in namesakes if each not in named), namesakes[-1])
        has_roles_written = place in named or line[end:].lstrip().startswith(("(", "\uff08"))
        missing_roles = (
            ()
            if has_roles_written
            else [role for role in people[place].roles if role.casefold() not in line.casefold()]
        )
        named.append(place)
        if start > rest:
            yield Link(line[rest:start], "")
        yield from _with_roles(people[place], line[start:end], missing_roles)
        rest = end
    if rest < len(line):
        yield Link(line[rest:], "")


def _with_roles(person: Person, name: str, roles: Sequence[str]) -> Iterator[Link]:
    """Yield a name that links to the person's page, then the roles."""
    yield Link(name, url_path(person.path) if person.path else "")
    if roles:
        yield Link(f" ({', '.join(roles)})", "")


def _whole_names(line: str, names: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, name) of the whole names in a line, in its order; if two begin together, the longer one."""
    text, places = _folded(line)
    found = [(start, start + len(name), name) for name in names for start in _starts(text, name)]
    last = 0
    for start, end, name in sorted(found, key=lambda each: (each[0], -each[1])):
        if start >= last and _begins(text, start, names) and _ends(text, end, names):
            yield places[start], places[end], name
            last = end


def _starts(text: str, name: str) -> Iterator[int]:
    start = text.find(name)
    while start >= 0:
        yield start
        start = text.find(name, start + 1)


def _begins(text: str, start: int, names: Sequence[str]) -> bool:
    """Tell whether a name may begin at `start`."""
    if _BEGINS.match(text, start):
        return True
    text_before = text[:start]
    return bool(_UNSPACED.match(text, start)) and (
        text_before.endswith(_BEFORE_UNSPACED)
        or any(text_before.endswith(f"{name}{word}") for word in _AND_UNSPACED for name in names)
    )


def _ends(text: str, end: int, names: Sequence[str]) -> bool:
    """Tell whether a name may end at `end`."""
    if _ENDS.match(text, end):
        return True
    text_after = text[end:]
    return bool(_UNSPACED.search(text, end - 1, end)) and (
        text_after.startswith(_AFTER_UNSPACED)
        or any(text_after.startswith(f"{word}{name}") for word in _AND_UNSPACED for name in names)
    )


def _folded(line: str) -> tuple[str, Sequence[int]]:
    """Return a text folded for comparison (case, spaces, hyphens, apostrophes), and each character's place in the line.

    The places have one more entry than the text: the line's end.
    """
    if line.isascii() and line.isprintable() and "  " not in line:
        return line.lower(), range(len(line) + 1)
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(unicodedata.normalize("NFC", line)):
        for each in " " if sign.isspace() else sign.translate(_EQUIVALENT_CHARACTERS).casefold():
            if each != " " or (signs and signs[-1] != " "):
                signs.append(each)
                places.append(place)
    return "".join(signs), [*places, len(line)]
