"""Cuts the parts of a WordPress body that only members may read, and finds posts that are restricted as a whole.

Plug-ins restrict parts by shortcodes and blocks. Their names differ, but consist of the same few words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

MEMBERS_REASON = "is for members only"
_SHORTCODE = re.compile(r"\[(\[?)(/?)([a-zA-Z][\w-]{0,60})((?:[\s=/][^\[\]]{0,2000})?)\](\]?)")
_BLOCK = re.compile(r"<!--\s{0,20}(/?)wp:([a-z][a-z0-9_/-]{0,80})(?![a-z0-9_/-])", re.IGNORECASE)
_WORDS = re.compile(r"[a-z0-9]+")
_RESTRICTING = frozenset(
    (
        *("members", "membership", "memberships", "membersonly", "memberonly", "memberful", "memberpress", "mepr"),
        *("subscriber", "subscribers", "subscribed", "subscribersonly", "paywall", "paywalled", "premium", "paid"),
        *("restrict", "restricted", "restriction", "restrictions", "private", "protected", "protect", "protector"),
        *("pmpro", "rcp", "wcm", "swpm", "wlm", "ihc", "s2if", "s2member", "emember", "wpmem", "armember", "arm"),
        *(
            "um",
            "leaky",
            "patreon",
            "passster",
            "gated",
            "exclusive",
            "loggedin",
            "hide",
            "hidden",
            "access",
            "accessally",
        ),
    )
)
"""Words of names of plug-ins, and words for readers who pay or have an account."""
_PHRASES = (("member", "only"), ("is", "member"), ("member", "content"), ("logged", "in"), ("is", "logged"))
_FORMS = frozenset(
    (
        *("login", "logout", "register", "registration", "form", "forms", "signup", "subscribe", "checkout", "account"),
        *("levels", "profile", "pricing", "price", "button", "buttons", "link", "cancel", "invoice", "confirmation"),
        *("list", "directory", "plan", "plans", "password", "lostpassword", "avatar", "name", "count"),
    )
)
"""Words of shortcodes that stand alone: forms and figures of a plug-in."""
_END_OF_PREVIEW = "paywall"
_NO_RESTRICTION = frozenset(
    ("", "0", "no", "none", "off", "false", "public", "all", "any", "everybody", "everyone", "a:0:{}", "[]")
)
_KEYS = {
    "_jetpack_newsletter_access": "newsletter_access",
    "jetpack_newsletter_access": "newsletter_access",
    **dict.fromkeys(("_members_access_role", "members_access_role", "rcp_access_level", "rcp_user_level"), "role"),
    **dict.fromkeys(("rcp_subscription_level", "_is_paid", "is_paid", "_rcp_access_level"), "level"),
    **dict.fromkeys(("memberful_acl", "_memberful_acl", "_memberful_available_to_any_registered_user"), "plan"),
    **dict.fromkeys(("_members_only", "members_only", "_paywall", "_paywalled", "_is_premium", "_premium"), "mark"),
    **dict.fromkeys(("_subscribers_only", "subscribers_only", "_private_content", "_swpm_protect_post"), "mark"),
    **dict.fromkeys(
        ("um_content_restriction", "_issuem_leaky_paywall_visibility", "_leaky_paywall_visibility"), "rules"
    ),
}
"""Fields of posts in which plug-ins keep the readers who may see the post."""
_RULES = re.compile(
    r'"(?:_um_accessible";(?:i:|s:1:")2|(?:only_)?visible";i:\d|visibility_type";s:\d{1,2}:"(?:only|never))'
)
_MAX_ALONE_CHARS = 200  # around a shortcode, to see whether it stands alone on its line


def find_restriction(fields: Iterable[tuple[str, object]]) -> str:
    """Return the name of the custom field that marks a post for members only; empty without one."""
    for name, value in fields:
        kind = _KEYS.get(name.lower())
        values = value if isinstance(value, list) else [value]
        texts = [str(each).strip().lower() for each in values[:100] if not isinstance(each, dict) and each is not None]
        if kind == "rules" and any(_RULES.search(each[:20_000]) for each in texts):
            return name
        if kind not in (None, "rules") and any(each not in _NO_RESTRICTION for each in texts):
            return name
    return ""


def without_restricted(text: str, removed: Counter[str]) -> str:
    """Return the text without its restricted parts; `removed` counts them by name.

    A part without an end goes on to the end of the text.
    """
    if "<!--" in text:
        text = _without_blocks(text, removed)
    return _without_shortcodes(text, removed) if "[" in text else text


def is_restricting(name: str) -> bool:
    """Return whether the name of a shortcode or block says that only some readers may see its content."""
    words = _WORDS.findall(name.lower().replace("_", "-"))
    if not _RESTRICTING.isdisjoint(words):
        return "team" not in words
    return any(pair in _PHRASES for pair in pairwise(words))


def _without_blocks(text: str, removed: Counter[str]) -> str:
    parts: list[str] = []
    position, open_name, depth = 0, "", 0
    for mark in _BLOCK.finditer(text):
        if mark.start() < position:
            continue
        name, is_end = mark[2].lower().rstrip("/-"), bool(mark[1])
        if name != open_name and (open_name or is_end or not is_restricting(name)):
            continue
        found = text.find("-->", mark.start(2))
        end = found + 3 if found >= 0 else len(text)
        is_empty = text.endswith(("/-->", "/ -->"), mark.start(), end)
        if open_name:
            depth += 0 if is_empty else -1 if is_end else 1
            if depth == 0:
                open_name, position = "", end
            continue
        parts.append(text[position : mark.start()])
        removed[f"block wp:{name}"] += 1
        if _END_OF_PREVIEW in _WORDS.findall(name):
            return "".join(parts)
        position = end
        if not is_empty:
            open_name, depth = name, 1
    if not open_name:
        parts.append(text[position:])
    return "".join(parts)


def _without_shortcodes(text: str, removed: Counter[str]) -> str:
    tags = [tag for tag in _SHORTCODE.finditer(text) if is_restricting(tag[3])]
    ends = _ends_of(tags)
    parts: list[str] = []
    position = 0
    for place, tag in enumerate(tags):
        if tag.start() < position or tag[2] or (tag[1] and tag[5]):
            continue
        name, end = tag[3].lower(), ends[place]
        if end is None and not _ends_the_preview(text, tag):
            continue
        parts.append(text[position : tag.start()])
        removed[f"shortcode [{name}]"] += 1
        position = len(text) if end is None else end.end()
    parts.append(text[position:])
    return "".join(parts)


def _ends_of(tags: list[re.Match[str]]) -> list[re.Match[str] | None]:
    """Return, for each tag, its balanced end, otherwise the last end of the same name after it; None without one."""
    found: list[re.Match[str] | None] = [None] * len(tags)
    last: dict[str, re.Match[str]] = {}
    opened: dict[str, list[int]] = {}
    for place, tag in enumerate(tags):
        name = tag[3].lower()
        if not tag[2]:
            opened.setdefault(name, []).append(place)
        elif opened.get(name):
            found[opened[name].pop()] = tag
        if tag[2]:
            last[name] = tag
    for name, places in opened.items():
        for place in places:
            end = last.get(name)
            found[place] = end if end is not None and end.start() > tags[place].start() else None
    return found


def _ends_the_preview(text: str, tag: re.Match[str]) -> bool:
    """Return whether a restricting shortcode without an end restricts all that follows, and is no form and no prose."""
    if not _FORMS.isdisjoint(_WORDS.findall(tag[3].lower().replace("_", "-"))):
        return False
    if "_" in tag[3] or "=" in tag[4]:
        return True
    before = text[max(0, tag.start() - _MAX_ALONE_CHARS) : tag.start()].rstrip(" \t\xa0")
    after = text[tag.end() : tag.end() + _MAX_ALONE_CHARS].lstrip(" \t\xa0")
    return (not before or before[-1] in ">\n\r") and (not after or after[0] in "<\n\r")
