"""Reads ninjs 1.x, 2.x and 3.x (IPTC) and Superdesk's dialect: lenient on the schema, strict on identity and status."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import DISPENSABLE_FIELDS, set_language, set_urgency
from services.ingest.adapters.readers.ninjs.about import FORMAT
from services.ingest.adapters.readers.ninjs.associations import read_associations
from services.ingest.adapters.readers.ninjs.facts import read_flags, read_identity, read_status, read_times
from services.ingest.adapters.readers.ninjs.kinds import find_set_aside, refuse_unless_news
from services.ingest.adapters.readers.ninjs.lines import read_lines, read_replaced
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.ninjs.subjects import read_people_and_entities, read_section_and_topics
from services.ingest.adapters.readers.ninjs.texts import read_body, read_headline, read_standfirst
from services.ingest.adapters.readers.ninjs.unused import report_unused
from services.ingest.adapters.readers.ninjs.versions import find_format, has_ninjs_fields
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext


class NinjsReader:
    """Reads every version of ninjs through one shape."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is a JSON object with typical fields of any ninjs version."""
        item = document.find_json_object()
        return item is not None and has_ninjs_fields(item)

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the item as the only entry.

        Raises:
            RefusedError: 400 or 422.
        """
        given = document.json()
        if not isinstance(given, dict):
            raise unacceptable([Fault("", "must be a JSON object, a ninjs item")])
        item = Part("", given)
        builder = ArticleBuilder(find_format(given), context)
        read_status(item, builder)
        read_identity(item, builder)
        refuse_unless_news(item, builder)
        read_times(item, builder, context.received_at)
        set_urgency(builder, item.value("urgency"), item.pointer_to("urgency"))
        set_language(builder, item.value("language"), item.pointer_to("language"))
        read_headline(item, builder)
        read_standfirst(item, builder)
        read_body(item, builder)
        read_section_and_topics(item, builder, context.site)
        read_people_and_entities(item, builder)
        read_associations(item, builder)
        read_lines(item, builder)
        read_replaced(item, builder)
        report_unused(item, builder)
        held_because = read_flags(item, builder)
        entry = find_set_aside(item, builder)
        return [entry or builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)]
