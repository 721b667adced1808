"""The language that the sender declares wins; a text that looks like another one is worth a warning."""

from __future__ import annotations

import pycld2

from shared.model.article import Direction

_MIN_TEXT_CHARS = 200  # characters; below, quotations and names decide
_CLEAR_MAJORITY = 70  # per cent of the text
_SAMPLE_CHARS = 5_000

_RIGHT_TO_LEFT = frozenset(
    (
        *(
            "ar",
            "arc",
            "arz",
            "bal",
            "bqi",
            "ckb",
            "dv",
            "fa",
            "glk",
            "he",
            "iw",
            "ji",
            "khw",
            "ks",
            "lrc",
            "mzn",
            "nqo",
        ),
        *("pnb", "prs", "ps", "sd", "skr", "syr", "ug", "ur", "yi"),
    )
)
_RIGHT_TO_LEFT_SCRIPTS = frozenset(("adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa"))
_SCRIPT_LETTERS = 4

# One written language under several names, or several that a detector cannot be trusted to tell apart.
_SAME = (
    frozenset(("bs", "hr", "sh", "sr", "me")),
    frozenset(("da", "nb", "nn", "no")),
    frozenset(("id", "in", "ms", "may")),
    frozenset(("he", "iw")),
    frozenset(("yi", "ji")),
    frozenset(("fil", "tl")),
    frozenset(("jv", "jw")),
    frozenset(("cmn", "wuu", "yue", "zh")),
    frozenset(("cs", "sk")),
    frozenset(("gl", "pt")),
    frozenset(("hi", "mr", "ne", "bh", "bho", "mai")),
    frozenset(("fa", "prs")),
    frozenset(("arz", "ar")),
)


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()


_KNOWN = frozenset(_primary(code) for _, code in pycld2.LANGUAGES if not code.startswith("xx")) | frozenset().union(
    *_SAME
)


def language_warning(declared: str, text: str) -> str | None:
    """Return what is odd about the declared language, or None where nothing is or nobody can tell."""
    language = _primary(declared)
    sample = text[:_SAMPLE_CHARS]
    if language not in _KNOWN or len(sample) < _MIN_TEXT_CHARS:
        return None
    try:
        is_reliable, _, found = pycld2.detect(sample, isPlainText=True)
    except pycld2.error:
        return None  # control characters, say: they tell nothing of the declaration
    _, code, share, _ = found[0]
    detected = _primary(str(code))
    if not is_reliable or detected == "un" or share < _CLEAR_MAJORITY or _is_same(language, detected):
        return None
    return f"language is declared as {declared}, but the text looks like {code}; the declaration was kept"


def direction_of(declared: Direction | None, language: str) -> Direction:
    """Return which way the text runs: as declared, else by the tag's script, else by its language."""
    if declared is not None:
        return declared
    primary, *others = language.lower().split("-")
    scripts = [other for other in others if len(other) == _SCRIPT_LETTERS and other.isalpha()]
    is_right_to_left = scripts[0] in _RIGHT_TO_LEFT_SCRIPTS if scripts else primary in _RIGHT_TO_LEFT
    return Direction.RTL if is_right_to_left else Direction.LTR


def _is_same(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _SAME)
