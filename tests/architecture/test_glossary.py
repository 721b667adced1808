"""`GLOSSARY.md` defines each term once, and its diagrams name the states that the code has."""

from __future__ import annotations

import re
from pathlib import Path

from shared.model.lane import Lane
from shared.runtime.receipts import ReceiptStatus

GLOSSARY = (Path(__file__).resolve().parents[2] / "GLOSSARY.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    """Return the cells of each row of the table: term, meaning, and other things that are easily confused with it."""
    lines = [line for line in GLOSSARY.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def diagram_below(heading: str) -> str:
    found = re.search(rf"^## {heading}\n+```\n(.*?)^```", GLOSSARY, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_each_term_has_one_row_with_a_meaning_in_alphabetical_order() -> None:
    terms = [row[0] for row in rows()]

    assert terms == sorted(set(terms))
    assert all(len(row) == 3 and all(row) for row in rows())


def test_the_diagram_of_a_receipt_names_the_statuses_of_the_code_and_no_other() -> None:
    drawn = set(re.findall(r"[>|] ([a-z]+)\b", diagram_below("States of a receipt")))

    assert drawn == {status.value for status in ReceiptStatus}


def test_the_lanes_are_named_in_the_order_in_which_workers_empty_them() -> None:
    (lanes,) = [row[1] for row in rows() if row[0] == "lane"]

    assert re.findall(r"`(\w+)`", lanes) == [lane.value for lane in Lane]
