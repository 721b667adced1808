# ruff: noqa: RUF001 - names and signs of other scripts
"""Who made an article: its authors with their roles, or the people that a byline names.

Schema.org asks for one Person an author, with nothing but the name in it. A byline is a line of prose, so it is taken
apart only where each part of it is a name beyond doubt. Otherwise it is one author, as the sender wrote it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

import regex

from services.render.domain.languages import primary_language
from shared.model.article import ArticleFacts
from shared.site.memberships import author_page, authors_of
from shared.site.sites import Site


@dataclass(frozen=True, slots=True)
class Person:
    """One of those who made an article; `path` is the key of the author's page, empty where there is none."""

    name: str
    path: str = ""
    roles: tuple[str, ...] = ()
    is_writer: bool = True
    is_organisation: bool = False


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BY = {
    "ar": "بقلم|كتب|كتبت|من",
    "ca": "per",
    "da": "af",
    "de": "von",
    "es": "por",
    "fa": "از",
    "fr": "par",
    "id": "oleh",
    "it": "di",
    "ms": "oleh",
    "nb": "av",
    "nl": "door",
    "nn": "av",
    "no": "av",
    "pt": "por",
    "ro": "de",
    "ru": "автор",
    "sv": "av",
    "ur": "از",
    "zh": "作者|本报记者|记者",
}
_AND = {
    "ar": "و",
    "bg": "и",
    "bn": "ও",
    "ca": "i",
    "cs": "a",
    "da": "og",
    "de": "und",
    "el": "και",
    "es": "y|e",
    "fa": "و",
    "fi": "ja",
    "fr": "et",
    "hi": "और|एवं",
    "hr": "i",
    "hu": "és",
    "id": "dan",
    "it": "e|ed",
    "mr": "आणि",
    "ms": "dan",
    "nb": "og",
    "nl": "en",
    "nn": "og",
    "no": "og",
    "pl": "i|oraz",
    "pt": "e",
    "ro": "și|şi",
    "ru": "и",
    "sk": "a",
    "sr": "и|i",
    "sv": "och",
    "ta": "மற்றும்",
    "tr": "ve",
    "uk": "і|та",
    "ur": "اور",
    "vi": "và",
}
_IN = {"de": "aus", "es": "en", "fr": "à|depuis", "it": "a|da", "nl": "vanuit", "pt": "em", "sv": "i"}
_PARTICLES = _set(
    "af al bin bint da das de del della den der di do dos du e el ibn la las le los ten ter und van von y zu"
)
_ORGANISATIONS = _set(
    """
    agence agences agencia agencias agencies agency agentur agenturen agenzia agência agências ani ansa associated
    association board bureau committee correspondent correspondents council department desk dpa editorial editors efe
    foundation gmbh group ians inc institute kyodo limited llc ltd media ministry nachrichtenagentur network news
    newsroom office persbureau plc press pti radio redaccion redacción redactie redaktion redaktionen redaksjonen
    redazione redação reporters reuters rédaction service services society staff tass team tv university upi wire wires
    xinhua yonhap агентство редакция тасс التحرير رويترز وكالات وكالة एजेंसी डेस्क ब्यूरो संवाददाता
    """
)
_TITLES = _set(
    "chief columnist correspondent critic editor journalist korrespondent korrespondentin redakteur redakteurin"
    " reporter writer"
)
_NOT_WRITING = regex.compile(
    r"\b(?:phot|foto|pictures?\b|images?\b|imagen|imágenes|bild|video|vidéo|camera|kamera|illustr|ilustr|grafi|graphi|"
    r"infogra|cartoon|karikatur|design|edit(?:or|ed|ing|ión)|producer|produc|translat|traduc|übersetz|research|recherche|"
    r"data\b|audio|sound|zeichn|dessin|фото|иллюстр|перевод|تصوير|صور|ترجم|छाया|फ़?ोटो|चित्र|अनुवाद)|摄影|攝影|撮影|图片|圖|写真|翻译|사진",
    regex.IGNORECASE,
)
_WRITING = regex.compile(
    r"(?:words?|text|texte|texto|testo|tekst|story|report(?:ing|ed)?|written|writing|von|by|autor|author)", regex.I
)
_SUFFIX = regex.compile(r",\s*(?=(?:jr|sr|ii|iii|iv|ph\.?d|md|m\.d|obe|mbe|cbe|mp)\b)", regex.I)
_CAPITALISED = regex.compile(r"(?:[dl]['\u2019]|al-|el-)?\p{Lu}[\p{L}\p{M}.'\u2019\u2010\u2011-]*")
_UNCASED = regex.compile(r"[\p{Lo}\p{Lm}\p{M}.\u00b7\u30fb-]+")
_CASED = regex.compile(r"[\p{Lu}\p{Ll}\p{Lt}]")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\u00b7\u30fb]+")
_ACRONYM = regex.compile(r"\p{Lu}{2,4}")
_BRACKETS = regex.compile(r"\s*[(（\[]([^)）\]]*)[)）\]]")
_MAX_NAME_WORDS = 5
_FULL_NAME_WORDS = 2
_MAX_UNSPACED_CHARS = 4


def people_of(site: Site, facts: ArticleFacts) -> tuple[Person, ...]:
    """Return the authors of an article, each once, with their roles; `is_writer` is true of one at least."""
    roles: dict[str, dict[str, None]] = {}
    writers = set()
    for author in facts.authors:
        page = author_page(site, author)
        roles.setdefault(page, {}).update({author.role: None} if author.role else {})
        if not is_other_role(author.role):
            writers.add(page)
    return tuple(
        Person(
            each.name,
            each.path,
            tuple(roles[each.page]),
            is_writer=each.page in writers or not writers,
            is_organisation=_is_organisation(each.name, site.name, whole=True),
        )
        for each in authors_of(site, facts)
    )


def is_other_role(role: str | None) -> bool:
    """Tell whether a role is another one than the writer's: pictures, graphics, editing, translation."""
    return bool(role and _NOT_WRITING.search(role))


@lru_cache(maxsize=4_000)
def people_in(byline: str, language: str, house: str) -> tuple[Person, ...]:
    """Return the people and organisations that a byline names, in its order; `house` is the site's name.

    A line with a part that may be no name is one author: an organisation where its words say so, else a person.
    """
    line = " ".join(unicodedata.normalize("NFC", byline).split())
    line = _prefix(language).sub("", line, count=1).strip(" .:;,") or line
    if found := _parts(line, language, house):
        has_writer = any(person.is_writer for person in found)
        return found if has_writer else tuple(replace(person, is_writer=True) for person in found)
    return (Person(line, is_organisation=_is_organisation(line, house) or "&" in line),)


def _parts(line: str, language: str, house: str) -> tuple[Person, ...]:
    """Return those whom a line names; nothing where one part of it is in doubt."""
    found: dict[str, Person] = {}
    is_writer = True
    for part in _separator(language).split(_SUFFIX.sub(" ", line)):
        text = (part or "").strip(" .:")
        if not text:
            continue
        label = _label(language).fullmatch(text)
        if label and (is_other_role(label["role"]) or _WRITING.fullmatch(label["role"].strip())):
            is_writer, text = not is_other_role(label["role"]), label["name"].strip()
        brackets = " ".join(_BRACKETS.findall(text))
        name = _place(language).sub("", _BRACKETS.sub("", text)).strip(" .:,")
        if _is_title(name) and found:
            continue
        is_organisation = _is_organisation(name, house)
        if not is_organisation and not _is_full_name(name):
            return ()
        found.setdefault(
            name,
            Person(name, is_writer=is_writer and not is_other_role(brackets), is_organisation=is_organisation),
        )
    return tuple(found.values())


def _is_full_name(text: str) -> bool:
    """Tell whether a text looks like a person's whole name: two to five words that names are made of."""
    words = text.split()
    if not _CASED.search(text):
        if _UNSPACED.fullmatch(text):
            return _FULL_NAME_WORDS <= len(text) <= _MAX_UNSPACED_CHARS or "\u00b7" in text or "\u30fb" in text
        return _FULL_NAME_WORDS <= len(words) <= _MAX_NAME_WORDS and all(_UNCASED.fullmatch(word) for word in words)
    names = [word for word in words if _CAPITALISED.fullmatch(word)]
    others = [word for word in words if not _CAPITALISED.fullmatch(word)]
    return len(names) >= _FULL_NAME_WORDS and len(words) <= _MAX_NAME_WORDS and _PARTICLES.issuperset(others)


def _is_organisation(text: str, house: str, *, whole: bool = False) -> bool:
    """Tell whether a text names the house itself, an agency or a desk; `whole`: by all of its words, not one."""
    words = [word.strip(".,:").casefold() for word in text.split()]
    is_house = text.casefold() == house.casefold() or text.casefold().startswith(f"{house.casefold()} ")
    is_known = _ORGANISATIONS.issuperset(words) if whole else bool({"the", *_ORGANISATIONS}.intersection(words))
    return (
        is_house
        or is_known
        or bool(_ACRONYM.fullmatch(text))
        or text.endswith(("通讯社", "通訊社", "新华社", "编辑部"))
    )


def _is_title(text: str) -> bool:
    words = text.casefold().split()
    return bool(words) and words[-1] in _TITLES


@lru_cache
def _prefix(language: str) -> regex.Pattern[str]:
    words = _words("by|written by|story by|report by|reported by", _BY, language)
    return regex.compile(rf"\A(?:{words})(?:\s*[:：]\s*|\s+)", regex.IGNORECASE)


@lru_cache
def _label(language: str) -> regex.Pattern[str]:
    words = _words("by", _BY, language)
    return regex.compile(rf"(?P<role>.{{1,30}}?)(?:\s*[:：/／]\s*|\s+(?:{words})\s+)(?P<name>.+)", regex.IGNORECASE)


@lru_cache
def _separator(language: str) -> regex.Pattern[str]:
    words = _words("and|with", _AND, language)
    return regex.compile(rf"\s*[,;、，；،؛&·|]\s*(?:(?:{words})\s+)?|\s+[/–—-]\s+|\s+(?:{words})\s+", regex.IGNORECASE)


@lru_cache
def _place(language: str) -> regex.Pattern[str]:
    return regex.compile(rf"\s+(?:{_words('in|at|from|for', _IN, language)})\s+\p{{Lu}}.*")


def _words(english: str, words: dict[str, str], language: str) -> str:
    own = words.get(primary_language(language))
    return f"{english}|{own}" if own else english
