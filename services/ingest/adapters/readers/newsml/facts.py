"""Identity, status, times, lines and subjects of a NewsML 1.x item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, find, first_children, line_in, place_of
from services.ingest.adapters.readers.facts import (
    KILL_WORDS,
    find_section,
    set_language,
    set_local_instant,
    set_status,
    set_urgency,
    set_version,
)
from services.ingest.adapters.readers.iptc import section_words
from services.ingest.adapters.readers.newsml.components import Components, formal_name
from services.ingest.adapters.readers.nitf.lines import dateline_text, inline_text
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.ports import ReadingContext
from shared.model.article import Status

_REMOVALS = {
    **dict.fromkeys(("canceled", "cancelled", "killed", "deleted"), Status.CANCELED),
    **dict.fromkeys(("withheld", "unpublished", "hold"), Status.WITHHELD),
}
_SUBJECTS = ("Subject", "SubjectMatter", "SubjectDetail", "SubjectQualifier")
_ISO_639 = {
    "ara": "ar",
    "chi": "zh",
    "zho": "zh",
    "dan": "da",
    "dut": "nl",
    "nld": "nl",
    "eng": "en",
    "fin": "fi",
    "fra": "fr",
    "fre": "fr",
    "deu": "de",
    "ger": "de",
    "hin": "hi",
    "ita": "it",
    "jpn": "ja",
    "nor": "no",
    "por": "pt",
    "rus": "ru",
    "spa": "es",
    "swe": "sv",
    "tur": "tr",
}
_KEYWORDS = "keyword"
_TOPIC_LIST = "keywords"
_WITHOUT_RELEASE = "the item is embargoed and names no time at which its status changes"


def read_identity(item: etree._Element, builder: ArticleBuilder) -> None:
    """Read the id and the revision. The public identifier is not used: a sender may give all items the same one."""
    identifier = find(item, "Identification", "NewsIdentifier")
    builder.expect("source_id", "/NewsML/NewsItem/Identification/NewsIdentifier/NewsItemId")
    provider, day, own = (line_in(identifier, name) for name in ("ProviderId", "DateId", "NewsItemId"))
    if identifier is not None and own:
        revised = line_in(item, "NewsManagement", "ThisRevisionCreated")
        parts = [provider, day if day != revised or "T" not in (day or "") else None, own]
        builder.set_field("source_id", ":".join(["urn:newsml", *filter(None, parts)]), place_of(identifier))
    revision = find(identifier, "RevisionId")
    if revision is not None:
        set_version(builder, line_in(revision), place_of(revision))


def read_management(item: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> str:
    """Read status, times and urgency; return the reason to hold an embargo without an end, or an empty text."""
    management = find(item, "NewsManagement")
    status = find(management, "Status")
    is_embargoed = formal_name(status) == "embargoed"
    if status is not None and not is_embargoed:
        set_status(builder, formal_name(status), place_of(status))
    instructions, _ = first_children(management, "Instruction")
    for instruction in instructions:
        if formal_name(instruction).replace(" ", "") in KILL_WORDS:
            builder.set_field("status", Status.CANCELED, place_of(instruction))
        elif line_in(instruction):
            builder.drop(place_of(instruction), NOTE_REASON)
    for field, name in (("version_created", "ThisRevisionCreated"), ("first_created", "FirstCreated")):
        _read_time(find(management, name), field, builder, context)
    _read_planned_removals(management, builder, context)
    urgency = find(management, "Urgency")
    if urgency is not None:
        set_urgency(builder, formal_name(urgency), place_of(urgency))
    return _read_embargo(management, builder, context) if is_embargoed and not builder.is_removal else ""


def _read_embargo(management: etree._Element | None, builder: ArticleBuilder, context: ReadingContext) -> str:
    changes, _ = first_children(management, "StatusWillChange")
    for change in changes:
        if formal_name(find(change, "FutureStatus")) == "usable" and line_in(change, "DateAndTime"):
            _read_time(find(change, "DateAndTime"), "embargo_until", builder, context)
            return ""
    builder.set_field("status", Status.WITHHELD, "/NewsML/NewsItem/NewsManagement/Status")
    return _WITHOUT_RELEASE


def _read_planned_removals(management: etree._Element | None, builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read changes to canceled or withheld: a past one has happened, a future one is the end of publication."""
    for change in first_children(management, "StatusWillChange")[0]:
        status, time = _REMOVALS.get(formal_name(find(change, "FutureStatus"))), find(change, "DateAndTime")
        if status is None or builder.values.get("status") is Status.CANCELED:
            continue
        if time is None or not line_in(time):
            builder.drop(place_of(change), "names no time of the change")
            continue
        earlier = builder.values.pop("expires_at", None)
        _read_time(time, "expires_at", builder, context)
        end = builder.values.get("expires_at")
        if end is not None and end <= context.received_at:
            builder.set_field("status", status, place_of(change))
            del builder.values["expires_at"]
        if earlier is not None and (end is None or earlier < end):
            builder.values["expires_at"] = earlier


def _read_time(element: etree._Element | None, field: str, builder: ArticleBuilder, context: ReadingContext) -> None:
    if element is not None and line_in(element):
        set_local_instant(builder, field, line_in(element), place_of(element), context)


def read_language(item: etree._Element, found: Components, builder: ArticleBuilder) -> None:
    """Read the language of the text, otherwise of the item; three-letter codes become those of two letters."""
    language = found.language or attribute(item, "lang") or ""
    set_language(builder, _ISO_639.get(language.lower(), language.lower()), place_of(item, "xml:lang"))


def lines_of(chain: Sequence[etree._Element], name: str) -> Iterator[etree._Element]:
    """Yield the lines with a text, those of the innermost component first."""
    for component in chain:
        found, _ = first_children(find(component, "NewsLines"), name)
        yield from (each for each in found if line_in(each))


def read_lines(chain: Sequence[etree._Element], found: Components, builder: ArticleBuilder) -> None:
    """Read headline, standfirst, byline, dateline and keywords from the lines, otherwise from parts of the text."""
    builder.expect("headline", "/NewsML/NewsItem/NewsComponent/NewsLines/HeadLine")
    parts = {"headline": found.title, "standfirst": found.lead}
    names = {"headline": ("HeadLine",), "standfirst": ("SubHeadLine",), "byline": ("ByLine", "CreditLine")}
    for field, (*candidates,) in {**names, "dateline": ("DateLine",)}.items():
        part = parts.get(field)
        elements = [next(lines_of(chain, name), None) for name in candidates]
        for element in (*elements, part.data if part is not None else None):
            read = dateline_text if field == "dateline" else inline_text
            text = read(element) if element is not None else ""
            if text and element is not None and field not in builder.values:
                builder.set_field(field, text, place_of(element))
    for name in ("KeywordLine", "SlugLine"):
        for line in lines_of(chain, name):
            builder.add_entry("keywords", line_in(line), place_of(line))


def read_subjects(chain: Sequence[etree._Element], builder: ArticleBuilder, context: ReadingContext) -> None:
    """Read the section from subject codes and keywords, topics from lists of keywords, and single keywords."""
    words: list[tuple[etree._Element, list[str]]] = []
    for component in chain:
        metadata = find(component, "DescriptiveMetadata")
        codes, _ = first_children(metadata, "SubjectCode")
        for code in (each for subject in codes for each in first_children(subject, *_SUBJECTS)[0][:10]):
            formal = attribute(code, "FormalName") or ""
            words.append((code, [formal, attribute(code, "cat") or "", *section_words(formal)]))
        for element in first_children(metadata, "Property")[0]:
            if formal_name(element) == _KEYWORDS and (word := attribute(element, "Value")):
                builder.add_entry("keywords", word, place_of(element))
        _read_topics(component, builder)
        for listed in first_children(component, "Metadata")[0]:
            for element in first_children(listed, "Property")[0]:
                if formal_name(element).endswith(_TOPIC_LIST) and (word := attribute(element, "Value")):
                    builder.add_entry("topics", {"name": word}, place_of(element))
                    words.append((element, [word]))
    for element, texts in words:
        if section := find_section(context.site, texts):
            builder.set_field("section", section, place_of(element))
            return
    builder.default_section("no subject names a section")


def _read_topics(component: etree._Element, builder: ArticleBuilder) -> None:
    """Read the topics that an item describes itself: their names in the article's language."""
    language = str(builder.values.get("language") or "")[:2].lower()
    for topic in first_children(find(component, "TopicSet"), "Topic")[0]:
        names = [each for each in first_children(topic, "Description")[0] if _variant_of(each) == "name"]
        chosen = [each for each in names if (attribute(each, "lang") or language)[:2].lower() == language]
        if name := next((line for each in chosen if (line := line_in(each))), None):
            code = line_in(topic, "FormalName")
            builder.add_entry("topics", {"name": name, "uri": code and f"subj:{code}"}, place_of(topic))


def _variant_of(description: etree._Element) -> str:
    """Return the variant of a description in lower case."""
    return (attribute(description, "Variant") or "").lower()


def read_rights(chain: Sequence[etree._Element], builder: ArticleBuilder) -> None:
    """Read holder, notice and usage terms."""
    rights: dict[str, str] = {}
    origin = ""
    for component in chain:
        metadata = find(component, "RightsMetadata")
        elements = {
            "holder": find(metadata, "Copyright", "CopyrightHolder"),
            "notice": find(component, "NewsLines", "CopyrightLine"),
            "usage_terms": find(metadata, "UsageRights", "UsageType"),
        }
        for field, element in elements.items():
            if element is not None and field not in rights and (line := line_in(element)):
                rights[field] = line
                origin = origin or place_of(element)
    if rights:
        builder.set_field("rights", rights, origin)
