"""The index's Lua scripts. Each runs as one step in Redis, so that two workers cannot interleave in it.

The scripts in `lua/` count, rank and compare; Python passes the names of listings. ARGV[1] is always the prefix of a
site's keys. These names follow it:

entries   hash   article -> {order, score, memberships, text, extra_sets}, a line feed, its card (none if removed)
set:{s}   zset   the articles of a membership by publication date
former:{s} set   articles that a membership (of a day) listed and no longer lists
killed:{s} set   killed articles that named a membership (a topic, an author)
days:{s}  zset   the days that have articles, of the site (`all`) or of a section; score: the date, then parts
wanted, published   hash   page -> its wanted version, its published version
stale, stale-articles   zset   stale listings and articles' pages, by wanted version
shows     hash   page -> the cards that it shows by choice (related, pinned): [[place, article, digest], ...]
shown-by:{article}   set of the pages that show the article by choice
lease:{page}   the lease
shown     hash   listing -> SHA-256 of its page at the last purge
due       zset   listing -> the time at which it becomes stale (microseconds)
complete  hash   the completeness mark: run_id of the Redis process, journal minute
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"


def _script(*files: str) -> str:
    """Return a script made of files; each file comes after the files whose functions it calls."""
    return "\n".join((_FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in files)


MARK_STALE = _script("stale", "mark_stale")
MARK_DUE_STALE = _script("stale", "mark_due_stale")
UPSERT = _script("stale", "entries", "parts", "related", "upsert")
CHOOSE_RELATED = _script("stale", "entries", "related", "choose_related")
READ = _script("stale", "entries", "parts", "read")
SET_PUBLISHED = _script("stale", "set_published")
READ_ONLY = _script("read_only")
READ_ONLY_UPSERT = _script("read_only", "overlay", "stale", "entries", "parts", "related", "upsert")
