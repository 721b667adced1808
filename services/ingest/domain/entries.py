"""The entries of a document: articles, and items that are not published, each with the reader's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.ingest.domain.refusal import Fault
from services.ingest.domain.report import Report
from shared.model.article import Article

SetAsideStatus = Literal["held", "media", "refused"]


@dataclass(frozen=True, slots=True)
class Reading:
    """An article, and the reader's report on it.

    `held_because`: the sender's system does not show the item now (a draft, a private post). Its article is withheld.
    """

    article: Article
    report: Report
    held_because: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """An item that never becomes a page; its bytes are kept.

    `held`: an article that may not be shown, such as a draft of an export. `media`: a picture, video or sound.
    `refused`: no article, or a faulty one among several. `name`: the item's id or title, as the sender wrote it.
    """

    status: SetAsideStatus
    reason: str
    report: Report
    name: str = ""
    faults: tuple[Fault, ...] = ()


Entry = Reading | SetAside
