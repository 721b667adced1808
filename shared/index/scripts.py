"""The index's scripts: each is one step in Redis, so that two workers cannot interleave inside of it.

They lie in `lua/`, count, rank and compare; Python passes them the names of listings. ARGV[1] is always the prefix of
a site's keys; behind it:

entries   hash   article -> {order, score, memberships, text, outside}, a line feed, its card (none if it is removed)
set:{s}   zset   the articles of a membership by publication date
former:{s} set   articles that were listed by a membership (a day's) and are not
killed:{s} set   articles that were killed and named a membership (a topic, an author)
days:{s}  zset   the days that have articles, of the site (`all`) or of a section; score: the date, then parts
wanted, published   hash   page -> its wanted version, its published version
stale, stale-articles   zset   stale listings and articles' pages, by wanted version
shows     hash   page -> what it shows beyond the newest of its membership: [[place, article, digest], ...]
shown-by:{article}   set of pages: the way back
lease:{page}   the lease
shown     hash   listing -> SHA-256 of the page that the edge was last told of
due       zset   listing -> when it has to be rendered again (microseconds), whatever happens
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"


def _script(*files: str) -> str:
    """Return a script made of files, each behind those whose functions it calls."""
    return "\n".join((_FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in files)


MARK_STALE = _script("stale", "mark_stale")
MARK_DUE_STALE = _script("stale", "mark_due_stale")
UPSERT = _script("stale", "entries", "parts", "related", "upsert")
CHOOSE_RELATED = _script("stale", "entries", "related", "choose_related")
READ = _script("stale", "entries", "parts", "read")
SET_PUBLISHED = _script("stale", "set_published")
READ_ONLY = _script("read_only")
