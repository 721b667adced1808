"""Reads ANS 0.10, the format of Arc (Washington Post): a story, alone or inside an operation or event of Arc."""

from __future__ import annotations

from services.ingest.adapters.readers.ans.about import FORMAT
from services.ingest.adapters.readers.ans.body import read_body
from services.ingest.adapters.readers.ans.pictures import read_pictures
from services.ingest.adapters.readers.ans.state import read_identity, read_status, read_times
from services.ingest.adapters.readers.ans.story import Story, is_ans, story_in
from services.ingest.adapters.readers.ans.taxonomy import read_addresses, read_related, read_section, read_subjects
from services.ingest.adapters.readers.ans.texts import read_headline, read_lines, read_notes, read_people
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import DISPENSABLE_FIELDS, set_language
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.values import text_of
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_USED = frozenset(
    {
        *("_id", "id", "type", "version", "status", "revision", "publishing", "workflow", "content_restrictions"),
        *("created_date", "last_updated_date", "publish_date", "first_publish_date", "display_date"),
        *("headlines", "title", "subheadlines", "description", "label", "location", "address", "copyright"),
        *("distributor", "credits", "vanity_credits", "corrections", "editor_note", "content_elements", "promo_items"),
        *("taxonomy", "website_section", "websites", "canonical_url", "canonical_url_external", "website_url", "slug"),
        *("canonical_website", "content_aliases", "related_content", "language", "subtype", "alignment"),
    }
)
_STAFF = "names of staff and their work are never published"
_UNUSED = {
    "contributors": _STAFF,
    "planning": _STAFF,
    "pitches": _STAFF,
    "tracking": _STAFF,
    "workflow": NOTE_REASON,
    "source": "names the system that the story comes from",
    "owner": "names the owner of the story",
    "geo": "coordinates are not shown",
    "short_url": "is another address of the story",
    "syndication": "concerns other sites and searches",
    "comments": "pages have no comments",
    "voice_transcripts": "spoken versions are not supported yet",
    "variations": "variants for other sites are not used",
    "rendering_guides": "concerns the sender's pages",
    "website": "names the sender's site",
    "channels": "concerns the sender's own channels",
    "additional_properties": "the sender's own properties are not used",
}
_OTHER = "is not a field of ANS 0.10 that Pressline uses"


class AnsReader:
    """Reads ANS 0.10."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is an ANS object, or an operation or event of Arc."""
        item = document.find_json_object()
        return item is not None and is_ans(item)

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the story, or the stories of search results.

        Raises:
            RefusedError: 400 or 422.
        """
        item = document.json()
        if not isinstance(item, dict):
            raise unacceptable([Fault("", "must be a JSON object, an ANS story")])
        story = story_in(item)
        if story.kind != "results":
            return [_read(story, context, is_snapshot=False)]
        entries = story.item.get("content_elements")
        stories = [
            Story(entry, story.at("content_elements") + pointer(index))
            for index, entry in enumerate(entries if isinstance(entries, list) else ())
            if isinstance(entry, dict)
        ]
        return read_each(
            stories,
            lambda each: _read(each, context, is_snapshot=True),
            lambda each: each.identifier[0] if each.identifier else "",
            story.format_name,
        )


def _read(story: Story, context: ReadingContext, *, is_snapshot: bool) -> Entry:
    """Return the entry of an item. In a snapshot, an item that is not public is set aside instead of withdrawn."""
    if story.refusal:
        raise unacceptable([Fault(story.at("type"), story.refusal)], story.refusal)
    if story.unknown_operation:
        raise unacceptable([Fault(story.operation_origin, story.unknown_operation)], story.unknown_operation)
    builder = ArticleBuilder(story.format_name, context)
    held_because = read_status(story, builder)
    read_identity(story, builder)
    if story.media_reason:
        return builder.set_aside("media", story.media_reason)
    if held_because and is_snapshot:
        return builder.set_aside("held", held_because)
    read_times(story, builder, context.received_at)
    set_language(builder, story.item.get("language"), story.at("language"))
    read_headline(story, builder)
    read_section(story, builder, context.site)
    if builder.is_removal:
        builder.drop(story.where, "the story is not public; its text is not used")
        return builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)
    read_lines(story, builder)
    read_people(story, builder)
    body = read_body(story, builder)
    read_pictures(story, builder, body.pictures)
    read_notes(story, builder, body.corrections)
    read_subjects(story, builder)
    read_addresses(story, builder)
    read_related(story, builder)
    _report_unused(story, builder)
    return builder.finish(dispensable=DISPENSABLE_FIELDS)


def _report_unused(story: Story, builder: ArticleBuilder) -> None:
    for name, value in story.item.items():
        if value not in (None, "", [], {}) and (name not in _USED or name == "workflow"):
            builder.drop(story.at(name), _UNUSED.get(name, _OTHER))
    publishing = story.item.get("publishing")
    if isinstance(publishing, dict) and publishing.get("scheduled_operations"):
        where = story.at("publishing", "scheduled_operations")
        builder.drop(where, "is a plan; Arc sends the operation when it happens")
    restrictions = story.item.get("content_restrictions")
    if isinstance(restrictions, dict) and text_of(restrictions.get("content_code")):
        builder.confirm(story.at("content_restrictions", "content_code"))
