"""The sender's declared language wins; a text that looks like another language gets a warning."""

from __future__ import annotations

import pycld2

from shared.model.article import Direction

_MIN_TEXT_CHARS = 200  # in shorter texts, quotations and names decide the result
_MIN_SHARE_PERCENT = 70
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

# Groups of names for one written language, or of languages that a detector does not distinguish reliably.
_EQUIVALENT_LANGUAGES = (
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


_DETECTABLE_LANGUAGES = frozenset(
    _primary(code) for _, code in pycld2.LANGUAGES if not code.startswith("xx")
) | frozenset().union(*_EQUIVALENT_LANGUAGES)


def language_warning(declared: str, text: str) -> str | None:
    """Return a warning if the text looks like another language than declared; None if not, or if unsure."""
    language = _primary(declared)
    sample = text[:_SAMPLE_CHARS]
    if language not in _DETECTABLE_LANGUAGES or len(sample) < _MIN_TEXT_CHARS:
        return None
    try:
        is_reliable, _, found = pycld2.detect(sample, isPlainText=True)
    except pycld2.error:
        return None  # for example control characters, which prove nothing about the language
    _, code, share, _ = found[0]
    detected = _primary(str(code))
    if not is_reliable or detected == "un" or share < _MIN_SHARE_PERCENT or _is_same(language, detected):
        return None
    return f"language is declared as {declared}, but the text looks like {code}; the declaration was kept"


def direction_of(declared: Direction | None, language: str) -> Direction:
    """Return the direction of the text: as declared, else by the tag's script, else by its language."""
    if declared is not None:
        return declared
    primary, *others = language.lower().split("-")
    scripts = [other for other in others if len(other) == _SCRIPT_LETTERS and other.isalpha()]
    is_right_to_left = scripts[0] in _RIGHT_TO_LEFT_SCRIPTS if scripts else primary in _RIGHT_TO_LEFT
    return Direction.RTL if is_right_to_left else Direction.LTR


def _is_same(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _EQUIVALENT_LANGUAGES)
