"""The tree speaks the field's language: no private word, and no sentence that has to be read twice (GLOSSARY.md)."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_WORDS_PER_SENTENCE = 25
TEXT_FILES = (".py", ".lua", ".md", ".toml", ".yml", ".yaml", ".html", ".vcl", ".sh", ".example")
NOT_OURS = ("infra/samples/", "requirements/", "tests/architecture/test_plain_words.py")  # articles, locks, this list

# Each was once the only name of a mechanism or of a concept. GLOSSARY.md has the field's word.
PRIVATE_PARTS_OF_NAMES = frozenset(
    [
        "shelf",
        "shelves",
        "shelve",
        "rested",
        "resting",
        "hollow",
        "clockwork",
        "intake",
        "parked",
        "park",
        "unpark",
        "twin",
        "twins",
        "duty",
        "duties",
        "doors",
        "stalls",
        "doubtful",
        "doubted",
        "books",
        "mend",
        "mended",
        "mends",
        "laid",
        "behind",
        "astray",
        "parted",
        "tally",
        "tidings",
        "told",
        "said",
        "heard",
    ]
)
PRIVATE_NAMES = frozenset(
    [
        "take_turns",
        "end_turn",
        "find_free",
        "set_whole",
        "whole_until",
        "is_whole",
        "is_absent",
        "is_odd",
        "is_late",
        "is_plain",
        "handed_over",
        "led_to",
        "leads",
        "take_in",
        "take_off",
        "let_go",
        "take_away",
        "copy_out",
        "put_file",
        "told_again",
        "look_again",
        "looks",
        "took_one",
        "kept_letter",
        "letters",
        "sets_of",
        "listed_of",
        "pages_of_set",
        "touch_at",
        "touch_due",
        "KeepTexts",
        "KeepRecords",
        "PackedPage",
        "Rested",
        "Standing",
        "standing",
        "find_standing",
        "Outcome",
        "Copy",
        "Draft",
        "Kind",
        "Past",
        "Since",
        "Seen",
        "Known",
        "Behind",
        "Marks",
        "Places",
        "Books",
        "Ledger",
        "Tally",
        "Intake",
        "Publisher",
        "Renderer",
        "Clockwork",
        "StallWatch",
        "Rounds",
        "Twin",
        "Told",
        "KeptLetter",
    ]
)
PRIVATE_PHRASES = re.compile(
    r"\bshel(?:f|ves)\b|\blaid together\b|\bclockwork\b|\b(?:say|said|says|tell|told)s? (?:it )?again\b"
    r"|\blooks? again\b|\bat the door\b|\bthe door\b|\btakes? turns\b|\b(?:its?|a|the) turn (?:ends|is over)\b"
    r"|\bindex is (?:not )?whole\b|\bwhole index\b|\bis hollow\b|\bthat are behind\b|\bis behind\b|\bfalls? behind\b"
    r"|\bstands behind\b|\bhouse rules?\b|\bthe ordinary way\b|\bis let go\b|\bhas room for\b",
    re.IGNORECASE,
)
NOUNLESS = re.compile(
    r"^(?:What|Who|Whoever|Whatever|Whichever)\b(?!.*\?$)|\b(?:whoever|whatever|whichever)\b"
    r"|\b(?:of|for|with|than|from|to|by|about|after|before|beside|until) (?:what|who)\b|[,;] and (?:what|who)\b",
    re.IGNORECASE,
)
SENTENCE_ENDS = re.compile(r"(?<=[.!?:])\s+|\n\s*\n|\n\s*(?:[*-] |\d+\. )|\n(?=\s*\w+Error: )")
CODE_BLOCKS = re.compile(r"^```.*?^```$|^ {4,}.*$", re.MULTILINE | re.DOTALL)


def files(*endings: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return [ROOT / name for name in listed if name.endswith(endings) and not name.startswith(NOT_OURS)]


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def names_in(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def parts_of(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def docstrings_in(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def paragraphs_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs and list items of a Markdown page, without code and tables."""
    text = CODE_BLOCKS.sub(lambda block: "\n" * block[0].count("\n"), path.read_text(encoding="utf-8"))
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith(("|", "#")):
            yield number, line


def sentences_of(text: str) -> Iterator[str]:
    for found in SENTENCE_ENDS.split(text):
        sentence = " ".join(found.split())
        if sentence and "─" not in sentence and "->" not in sentence:  # drawings are no sentences
            yield sentence


def test_no_name_is_a_private_word() -> None:
    found = [
        f"{place(path, line)} {name}"
        for path in files(".py")
        for line, name in names_in(path)
        if name in PRIVATE_NAMES or parts_of(name) & PRIVATE_PARTS_OF_NAMES
    ]

    assert not found, "\n".join(found)


def test_no_text_has_a_private_phrase() -> None:
    found = [
        f"{place(path, number)} {phrase[0]}"
        for path in files(*TEXT_FILES)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for phrase in PRIVATE_PHRASES.finditer(line)
    ]

    assert not found, "\n".join(found)


def texts_to_read() -> Iterator[tuple[Path, int, str]]:
    for path in files(".py"):
        yield from ((path, line, text) for line, text in docstrings_in(path))
    for path in files(".md"):
        yield from ((path, line, text) for line, text in paragraphs_in(path))


def test_no_sentence_of_a_docstring_or_a_page_is_long() -> None:
    found = [
        f"{place(path, line)} {sentence}"
        for path, line, text in texts_to_read()
        for sentence in sentences_of(text)
        if len(sentence.split()) > MAX_WORDS_PER_SENTENCE
    ]

    assert not found, "\n".join(found)


def test_no_sentence_of_a_docstring_or_a_page_replaces_a_noun_by_a_clause() -> None:
    found = [
        f"{place(path, line)} {sentence}"
        for path, line, text in texts_to_read()
        for sentence in sentences_of(text)
        if NOUNLESS.search(sentence)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [("The page is behind.", True), ("A listing is stale.", False), ("Take turns at the door.", True)],
)
def test_the_list_of_phrases_finds_them(text: str, is_found: bool) -> None:  # noqa: FBT001 - a table
    assert bool(PRIVATE_PHRASES.search(text)) is is_found
