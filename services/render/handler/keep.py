"""The texts of articles at rest are laid together, so that the next rebuild reads them by a call."""

from __future__ import annotations

from services.render.handler.article import find_seen
from services.render.handler.renderer import Renderer
from services.render.handler.texts import Texts
from shared import keys
from shared.errors import NotYetEnrichedError
from shared.history import Since
from shared.live import LiveRecord, read_records
from shared.messages import KeepRecords, KeepTexts, follow_up
from shared.sites import get_site


def keep_texts(message: KeepTexts, renderer: Renderer) -> tuple[KeepRecords, ...]:
    """Lay together what articles say that are live, and have their publisher do so with their records.

    Only those of one revision: which of several is to be seen is asked anew each time. A text that is missing is missed
    by the next rebuild too, which has it made.
    """
    site = get_site(renderer.sites, message.site)
    texts = Texts(renderer.content, keys.shelved_texts_key(site.id, message.shelf))
    live = [
        each for each in read_records(renderer.content, site.id, message.articles, renderer.readers) if each.revision
    ]
    enricher = _enricher(live[0], texts, renderer) if live else ""

    def find(record: LiveRecord) -> None:
        if record.revisions_seen == 1:
            texts.find(keys.enriched_key(site.id, record.article, record.revision or "", enricher))

    list(renderer.readers.map(find, live))
    texts.keep()
    if not live:
        return ()
    articles = tuple(record.article for record in live)
    return (KeepRecords(**follow_up(message, "records"), site=site.id, shelf=message.shelf, articles=articles),)


def _enricher(record: LiveRecord, texts: Texts, renderer: Renderer) -> str:
    """Return the version of the enricher whose objects are there in all likelihood: the latest one of an article."""
    site, since = get_site(renderer.sites, record.site), Since((record.revision or "",))
    try:
        seen = find_seen(site, record.article, since, renderer.clock(), renderer, enricher="", texts=texts)
    except NotYetEnrichedError:
        return ""
    return seen.latest.enricher if seen else ""
