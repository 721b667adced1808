"""Cuts the parts of a Ghost body that only members may read: below the public preview, and gated blocks."""

from __future__ import annotations

import re

from services.ingest.adapters.readers.values import Item

MEMBERS_REASON = "is for members only"
_PAYWALL = re.compile(r"<!--\s{0,20}members-only\s{0,20}-->", re.IGNORECASE)
_GATE = re.compile(r"<!--\s{0,20}kg-gated-block:(begin|end)\b([^<>]{0,500})-->", re.IGNORECASE)
_OPEN = re.compile(r"\bnonMember\s{0,9}[:=]\s{0,9}[\"']?true\b", re.IGNORECASE)
_CLOSED = re.compile(r"\bnonMember\s{0,9}[:=]\s{0,9}[\"']?false\b", re.IGNORECASE)


def public_part(markup: str) -> tuple[str, tuple[str, ...]]:
    """Return the HTML that everybody may read, and the reasons why parts are cut.

    A gated block stays only if its mark says `nonMember:true`. A block without an end goes on to the end of the text.
    """
    reasons: list[str] = []
    if paywall := _PAYWALL.search(markup):
        markup = markup[: paywall.start()]
        reasons.append(f"the text below the public preview {MEMBERS_REASON}")
    parts: list[str] = []
    position, depth, blocks = 0, 0, 0
    for mark in _GATE.finditer(markup):
        is_begin = mark[1].lower() == "begin"
        if depth == 0:
            parts.append(markup[position : mark.start()])
            is_gated = is_begin and not (_OPEN.search(mark[2]) and not _CLOSED.search(mark[2]))
            blocks += is_gated
            depth = int(is_gated)
        else:
            depth += 1 if is_begin else -1
        position = mark.end()
    if depth == 0:
        parts.append(markup[position:])
    if blocks:
        reasons.append(f"gated blocks are for members only ({blocks})")
    return "".join(parts), tuple(reasons)


def is_paywall(kind: object) -> bool:
    """Return whether a card ends the public preview."""
    return kind in ("paywall", "members-only")


def is_gated(card: Item) -> bool:
    """Return whether a card of an editor states that visitors of the site may not see it."""
    visibility = card.get("visibility")
    web = visibility.get("web") if isinstance(visibility, dict) else None
    if isinstance(web, dict):
        return web.get("nonMember") is not True
    return isinstance(visibility, dict) and visibility.get("showOnWeb") is False
