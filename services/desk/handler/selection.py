"""The articles of a rebuild: all, those of a section or a time, or those whose pages carry another version."""

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

_READER_THREADS = 16


class Selected(NamedTuple):
    """An article of a rebuild; `is_removed`: its 410 pages are renewed."""

    article: str
    is_removed: bool = False


def select(
    run: Run, site: Site, *, content: ObjectStorage, index: Index, version_count: VersionCount | None
) -> Iterator[Selected]:
    """Return the selected articles after the run's cursor, ordered by id.

    Raises:
        PresslineError: the index is not complete, so the articles of a section or a time are not known.
    """
    if run.is_by_theme:
        found = _by_version(version_count) if version_count else iter(())
    elif run.section or run.since:
        if index.complete_until(site) is None:
            raise PresslineError(
                "the index is being restored; try again in a minute (`pressline reindex` shows the progress)"
            )
        found = map(Selected, index.articles(site, section=run.section, since=run.since))
    else:
        every = content.list_folders(keys.articles_prefix(run.site), start_after=run.cursor)
        return islice(map(Selected, every), run.max_articles)
    after_cursor = sorted(each for each in found if each.article > run.cursor)
    return islice(iter(after_cursor), run.max_articles)


def count_articles(content: ObjectStorage, site: str) -> int:
    """Return the number of a site's articles, live or not; one LIST per thousand."""
    return sum(1 for _ in content.list_folders(keys.articles_prefix(site)))


def _by_version(count: VersionCount) -> Iterator[Selected]:
    """Yield the articles of pages that carry another version of theme and settings, each once."""
    found: dict[str, bool] = {}
    with ThreadPoolExecutor(_READER_THREADS) as readers:
        for _ in count.steps(readers):
            pass
    for head in count.others:
        article = head.metadata.get("article", "")
        if article:
            is_removed = head.metadata.get("status") == str(HTTPStatus.GONE.value)
            found[article] = found.get(article, True) and is_removed
    return (Selected(article, is_removed) for article, is_removed in found.items())
