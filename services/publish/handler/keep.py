"""The records of articles at rest are laid together, as they are: nothing is put before readers."""

from __future__ import annotations

from functools import partial

import structlog

from services.publish.domain import claims
from services.publish.handler.publisher import Publisher
from shared.live import LiveRecord, Rested, Shelf
from shared.messages import KeepRecords
from shared.storage import Etag

log = structlog.get_logger()


def keep_records(message: KeepRecords, publisher: Publisher) -> None:
    """Lay on a shelf the records of those of its articles that are live, and that nobody is about to change."""
    records, site, name = publisher.records, message.site, message.shelf
    known = records.find_shelf(site, name)
    others = [article for article in message.articles if known[0].resting(article) is None]
    read = publisher.writers.map(partial(records.find, site), others)
    found = [(record, etag) for record, etag in read if etag is not None]
    off = records.take_off((record, etag) for record, etag in found if record.shelf not in ("", name))

    def naming_it(record: LiveRecord) -> LiveRecord | None:
        return record.model_copy(update={"shelf": name}) if claims.is_at_rest(record) else None

    def name_it(read: tuple[LiveRecord, Etag]) -> tuple[LiveRecord, Etag | None] | None:
        article = read[0].article
        return records.change(site, article, naming_it, known=read, shelf=name, is_off=article in off)

    named = [each for each in publisher.writers.map(name_it, found) if each is not None]
    laid: list[Rested] = []

    def step(shelf: Shelf) -> Shelf:
        new = [Rested(article=record.article, base=etag, record=record) for record, etag in named if etag]
        laid[:] = [each for each in new if shelf.is_free(each, known[0].lines.get(each.article, b""))]
        return shelf.holding(laid)

    records.change_shelf(site, name, step, known=known)
    log.info("shelf.laid", shelf=name, articles=len(laid))
