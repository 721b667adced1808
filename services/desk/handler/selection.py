"""Which articles a rebuild means: all, those of a section or a time, or those whose pages carry another version."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import islice
from typing import NamedTuple

from services.desk.domain.rebuild import Run
from shared.index import Index
from shared.runtime.errors import PresslineError
from shared.site import keys
from shared.site.page_versions import VersionCount
from shared.site.sites import Site
from shared.storage import ObjectStorage

_READERS = 16


class Selected(NamedTuple):
    """An article that a rebuild means; `is_removed`: it is its 410 pages that have to be renewed."""

    article: str
    is_removed: bool = False


def select(
    run: Run, site: Site, *, content: ObjectStorage, index: Index, version_count: VersionCount | None
) -> Iterator[Selected]:
    """Return the articles that a run means and that come after its cursor, in the order of their ids.

    Raises:
        PresslineError: the index is not complete, so that it cannot tell which articles a section or a time has.
    """
    if run.is_by_theme:
        found = _by_version(version_count) if version_count else iter(())
    elif run.section or run.since:
        if index.complete_until(site) is None:
            raise PresslineError(
                "the index is being restored; try again in a minute (`pressline status` tells when it is complete)"
            )
        found = map(Selected, index.articles(site, section=run.section, since=run.since))
    else:
        every = content.list_folders(keys.articles_prefix(run.site), start_after=run.cursor)
        return islice(map(Selected, every), run.most)
    behind = sorted(each for each in found if each.article > run.cursor)
    return islice(iter(behind), run.most)


def count_articles(content: ObjectStorage, site: str) -> int:
    """Return how many articles a site has, live or not: a call for a thousand of them."""
    return sum(1 for _ in content.list_folders(keys.articles_prefix(site)))


def _by_version(count: VersionCount) -> Iterator[Selected]:
    """Yield the articles of pages that carry another version of theme and settings, each once."""
    found: dict[str, bool] = {}
    with ThreadPoolExecutor(_READERS) as readers:
        for _ in count.steps(readers):
            pass
    for head in count.others:
        article = head.metadata.get("article", "")
        if article:
            is_removed = head.metadata.get("status") == str(HTTPStatus.GONE.value)
            found[article] = found.get(article, True) and is_removed
    return (Selected(article, is_removed) for article, is_removed in found.items())
