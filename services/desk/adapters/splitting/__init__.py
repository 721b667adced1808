"""Splits exports and feeds into parts, one part an item, by streaming: memory stays flat however large the file is.

A part is a whole document of the same format with one item. Nothing is mapped here: the endpoint's readers do that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from services.desk.adapters.splitting.feed import split_feed
from services.desk.adapters.splitting.ghost import split_ghost
from services.desk.adapters.splitting.wxr import split_wxr
from services.desk.domain.imports import ImportLine

Split = Callable[[Path], Iterator[ImportLine]]
"""Yields the items of a file; an item without bytes is no article, and is counted only."""

SPLITTERS: Mapping[str, Split] = {"wxr": split_wxr, "ghost": split_ghost, "feed": split_feed}
