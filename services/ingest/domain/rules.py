"""The rules for an article of any format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.ingest.domain import prose
from services.ingest.domain.refusal import Fault
from services.ingest.domain.stamps import find_stamp_faults
from shared.model.article import Article, Status
from shared.site.sites import Site


def find_faults(article: Article, site: Site, received_at: datetime) -> Iterator[Fault]:
    """Yield the faults of an article; pointers refer to the article's own fields."""
    if article.site != site.id:
        yield Fault("/site", f"differs from the site of the request, which is {site.id}")
    if not site.has_section(article.section):
        known = ", ".join(section.id for section in site.sections)
        yield Fault("/section", f"is not a section of {site.id}; its sections are {known}")
    if article.status is Status.USABLE and prose.is_blank(article.body):
        yield Fault("/body", "is empty; a published article needs a text")
    if control := prose.find_control(article.body):
        yield Fault("/body", f"contains the control character {control}; send printable text")
    yield from find_stamp_faults(article, received_at)
