"""The decision records stay short, current and complete, and every record that the tree names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "infra" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
MAX_RECORDS = 20
MAX_WORDS_PER_RECORD = 300
MAX_WORDS_PER_SENTENCE = 25
SECTIONS = ["Context", "Decision", "Consequences", "Alternatives"]
NAMED_RECORD = re.compile(r"\b(?:ADRs?|decisions?)[\s-]?\d+(?:\s*(?:,|and|to|-)\s*\d+)*", re.IGNORECASE)
NAMED_FILE = re.compile(r"\b(\d{4}-[a-z][a-z0-9-]*\.md)\b")

every_record = pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name[:4])


def sections_of(text: str) -> dict[str, str]:
    """Return the text below each heading of the second level, in order."""
    headings = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(headings[::2], headings[1::2], strict=True))


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a record; a heading, a paragraph, a list item or a row of a table ends one too."""
    blocks = re.split(r"\n\s*\n|^\s*(?:[*|-]|#+(?: \d+\.)?|\d+\.)\s", text, flags=re.MULTILINE)
    return [sentence for block in blocks for sentence in re.split(r"(?<=[.!?])[*`)\"]*\s+", block) if sentence.strip()]


def words_of(sentence: str) -> list[str]:
    """Return the words of a sentence, without the marks around them."""
    return [word for each in sentence.split() if (word := each.strip("*`.,:;()|"))]


def records_named_in(text: str) -> set[int]:
    """Return the numbers of the records that a text names."""
    return {int(number) for found in NAMED_RECORD.finditer(text) for number in re.findall(r"\d+", found[0])}


def texts_of_the_repository() -> dict[str, str]:
    """Return the text of each of the repository's own files; a file that is no text names no record."""
    own = [ROOT / name for name in ("services", "shared", "infra", "tests", "requirements", ".ci")]
    paths = [*ROOT.glob("*"), *(path for folder in own for path in folder.rglob("*"))]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts and path.name != ".env"]
    bodies = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files}
    return {name: body.decode(errors="replace") for name, body in bodies.items() if b"\0" not in body}


def test_there_are_at_most_fourteen_records_numbered_from_one() -> None:
    assert 1 <= len(RECORDS) <= MAX_RECORDS
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@every_record
def test_a_record_has_at_most_three_hundred_words(record: Path) -> None:
    assert len(record.read_text(encoding="utf-8").split()) <= MAX_WORDS_PER_RECORD


@every_record
def test_a_record_has_a_numbered_title_four_sections_and_a_figure(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    sections = sections_of(text)

    assert text.startswith(f"# {int(record.name[:4])}. ")
    assert list(sections) == SECTIONS
    assert all(section.strip() for section in sections.values())
    assert re.search(r"(?<!\S)\d", "".join(sections.values()))


@every_record
def test_a_sentence_of_a_record_has_at_most_twenty_five_words(record: Path) -> None:
    sentences = sentences_of(record.read_text(encoding="utf-8"))

    assert [each for each in sentences if len(words_of(each)) > MAX_WORDS_PER_SENTENCE] == []


def test_the_index_states_each_decision_as_its_title_does() -> None:
    titles = [
        (str(int(path.name[:4])), path.name, path.read_text(encoding="utf-8").partition("\n")[0].partition(". ")[2])
        for path in RECORDS
    ]
    index = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| \[(\d+)\]\(([^)]+)\) \| (.+)\. \|$", index, re.MULTILINE) == titles


def test_every_record_that_the_repository_names_exists() -> None:
    numbers = {int(path.name[:4]) for path in RECORDS}
    files = {path.name for path in RECORDS}
    wrong: dict[str, list[str]] = {}
    texts = texts_of_the_repository()
    del texts[Path(__file__).relative_to(ROOT).as_posix()]  # its examples name others
    for name, text in texts.items():
        unknown = [f"ADR {number}" for number in sorted(records_named_in(text) - numbers)]
        if "decisions/" in text or name.startswith("infra/decisions/"):
            unknown += sorted(set(NAMED_FILE.findall(text)) - files)
        if unknown:
            wrong[name] = unknown

    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("as ADR 12 states", {12}),
        ("(ADR 0011)", {11}),
        ("see ADRs 3, 4 and 20", {3, 4, 20}),
        ("(decision 25)", {25}),
        ("a decision in 2026 is none", set()),
    ],
)
def test_a_reference_is_found_in_each_form_that_people_write(text: str, numbers: set[int]) -> None:
    assert records_named_in(text) == numbers


def test_a_sentence_ends_at_its_point_and_at_the_end_of_its_list_item() -> None:
    text = "# 1. A title\n\nOne two. **Three four.** Five\nsix.\n\n* Seven: 0.5 ms\n* Eight\n"

    assert [" ".join(words_of(each)) for each in sentences_of(text)] == [
        "A title",
        "One two",
        "Three four",
        "Five six",
        "Seven 0.5 ms",
        "Eight",
    ]
