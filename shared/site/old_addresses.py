"""Addresses that an article had at the newsroom's former system: paths of the public bucket that redirect to its page.

A site's own pages have precedence: an old address never takes the path of a listing, of a file or of another article.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from shared.site.keys import INDEX_DOCUMENT
from shared.site.listings import listing_at
from shared.site.sites import RESERVED_FOLDERS, Site

MAX_ADDRESS_CHARS = 500
_MAX_PATH_BYTES = 800  # S3 allows 1,024 in a key, and a site may have a prefix
_MAX_SEGMENT_BYTES = 255  # some stores limit a segment to this
_UNFIT = re.compile("[\x00-\x20\x7f-\x9f\\\\<>\"'`{}|^?#\u2028\u2029\ufffd\ud800-\udfff]")
_PAGE_ENDINGS = (".html", ".htm", ".shtml", ".xhtml", ".php", ".asp", ".aspx", ".jsp", ".cfm")
_ARTICLE_PATH = re.compile(r"([^/]+)/\d{4}/\d{2}/\d{2}/[^/]+-[a-z2-7]{6}/index\.html")


def old_address_of(url: str) -> str:
    """Return the path of a former page's URL, decoded, with a leading slash.

    Raises:
        ValueError: the URL has no path that a bucket can answer; the text gives the reason.
    """
    parts = urlsplit(url[: 4 * MAX_ADDRESS_CHARS])
    if parts.query:
        raise ValueError("has a query, which no redirect of the site can answer")
    if parts.scheme not in ("http", "https", "") or parts.path in ("", "/"):
        raise ValueError("is not the address of a page")
    return unquote(parts.path, errors="strict")


def old_path(site: Site, address: str) -> str:
    """Return the public path of an old address (`/2013/07/title/`).

    Raises:
        ValueError: the address is not fit for a redirect; the text gives the reason.
    """
    path = address.removeprefix("/")
    last = path.rpartition("/")[2]
    if not last or "." not in last:
        path = f"{path.rstrip('/')}/{INDEX_DOCUMENT}"
    elif not last.lower().endswith(_PAGE_ENDINGS):
        raise ValueError("is the address of a file, not of a page")
    segments = path.split("/")
    if not address.startswith("/") or len(address) > MAX_ADDRESS_CHARS or len(path.encode()) > _MAX_PATH_BYTES:
        raise ValueError("is too long for a path, or is none")
    if _UNFIT.search(path) or any(not _is_fit(segment) for segment in segments):
        raise ValueError("has parts that a path cannot have")
    if segments[0] in RESERVED_FOLDERS or listing_at(site, path) is not None:
        raise ValueError("is the address of a page of this site")
    if path.startswith(tuple(site.nested)):
        raise ValueError("lies within another site")
    article = _ARTICLE_PATH.fullmatch(path)
    if article and site.has_section(article[1]):
        raise ValueError("has the form of an article's address at this site")
    return path


def find_old_path(site: Site, address: str) -> str | None:
    """Return the public path of an old address; None if the address is not fit for a redirect."""
    try:
        return old_path(site, address)
    except (ValueError, UnicodeError):
        return None


def _is_fit(segment: str) -> bool:
    return bool(segment) and not segment.startswith(".") and len(segment.encode()) <= _MAX_SEGMENT_BYTES
