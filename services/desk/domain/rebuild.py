"""A rebuild: what it means to render again, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.rebuilds import Tally

_SHELF, _MOST = 100, 128  # articles lie on a new shelf, and on any: with more it is parted, so that both have room


class Run(BaseModel):
    """A rebuild as it is kept in the content bucket: enough to go on from, whoever was killed meanwhile.

    All pieces up to the article `cursor` are done, `number` of them; what they came to is in `tally`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    site: str
    run: str
    section: str | None = None
    since: AwareDatetime | None = None
    is_by_theme: bool = False
    trial: str | None = None  # the key of a theme that is only tried
    most: int | None = None  # articles
    started_at: AwareDatetime
    cursor: str = ""
    number: int = 0
    tally: Tally = Tally()
    failed: int = 0  # articles of pieces that nobody brought to an end
    is_done: bool = False


def grouped(articles: Iterable[str], shelves: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (shelf, articles) of each piece: of `articles`, in order, what belongs on each of `shelves`, in order.

    A shelf is named after the last article that it was made for, and those behind the one before it belong there.
    Where too many have come it is parted; behind the last one there are new ones.
    """
    bounds, group = iter(shelves), list[str]()
    bound = next(bounds, None)
    for article in articles:
        while bound is not None and bound < article:
            if group:
                yield bound, group
                group = []
            bound = next(bounds, None)
        if len(group) == (_SHELF if bound is None else _MOST):
            part = _SHELF if bound is None else _MOST // 2
            yield group[part - 1], group[:part]
            group = group[part:]
        group.append(article)
    if group:
        yield bound or group[-1], group
