"""Formulas (MathML) as plain text: `10^6`, `1/3`, `(x + 1)^2`. Pages, feeds and descriptions carry the same text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import regex
from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.tree import Element

MATHML = frozenset(
    {
        *("maction", "math", "menclose", "merror", "mfenced", "mfrac", "mi", "mlabeledtr", "mmultiscripts", "mn", "mo"),
        *("mover", "mpadded", "mphantom", "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub"),
        *("msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "none", "semantics"),
    }
)
"""The elements whose text is read. Annotations are skipped: they repeat the formula, in TeX for example."""

_INVISIBLE_OPERATORS = regex.compile("[\u2061-\u2064]")
_SIMPLE = regex.compile(r"[\p{L}\p{M}\p{N}.,\u2032\u2033\u221e]*")
# Operators between two operands. Excluded are operators before one operand: sums, integrals, roots, "not", "for all".
_SPACED = regex.compile(
    r"[[\p{Sm}\p{Pd}\u00b7]--[\u00ac\u2200\u2202-\u2204\u2206\u2207\u220f-\u2211\u221a-\u221c\u222b-\u2233]]", regex.V1
)
_COMPOSED = frozenset(("mfrac", "mroot", "msqrt", "msubsup", "msup", "munderover"))
_ZERO_THICKNESS = regex.compile(r"\s*0+(?:\.0+)?\s*[a-z%]*\s*")  # MathML's linethickness, with any unit
_OPENING = frozenset("([{\u27e8\u230a\u2308")


def write_formulas(root: Element) -> int:
    """Replace each formula by text; return the number of formulas without text, which are removed.

    A formula without text of its own is replaced by its `alttext`. The text runs from left to right, as MathML does.
    """
    lost = 0
    for formula in list(root.iter("math")):
        text = _read(formula) or " ".join((formula.get("alttext") or "").split())
        if not text:
            lost += 1
            tree.remove(formula)
            continue
        written = etree.Element("bdi", {"dir": "ltr"})
        written.text = f" {text}" if _ends_with_digit(formula) and text[0].isdigit() else text
        tree.replace(formula, written)
    return lost


def _ends_with_digit(formula: Element) -> bool:
    """Tell whether the text before a formula ends with a digit: `2` and `1/2` must not become `21/2`."""
    leading, parent = formula.getprevious(), formula.getparent()
    text = leading.tail if leading is not None else parent.text if parent is not None else None
    return (text or " ")[-1].isdigit()


def _read(formula: Element) -> str:
    """Return a formula as text; inner elements are read first."""
    read: dict[Element, str] = {}
    for element in reversed(list(formula.iter())):
        parts = [read[child] for child in element]
        reader = _READERS.get(str(element.tag))
        if reader is not None and len(parts) >= _MIN_PARTS.get(str(element.tag), 0):
            read[element] = reader(element, parts)
        elif len(element):
            read[element] = _row(element, parts)
        else:
            read[element] = " ".join(_INVISIBLE_OPERATORS.sub("", element.text or "").split())
    return read[formula].strip()


def _row(element: Element, parts: list[str]) -> str:
    """Return the parts in a row, with spaces around binary operators and between two words or numbers."""
    row = ""
    is_operand = is_composed = False
    for child, part in zip(element, parts, strict=True):
        if not part:
            continue
        is_operator = child.tag == "mo" and _SPACED.fullmatch(part) is not None
        if is_operator and is_operand:
            row = f"{row.rstrip()} {part} "
        elif child.tag == "mo" and part in (",", ";"):
            row = f"{row.rstrip()}{part} "
        else:
            is_apart = is_composed and (part[0].isalnum() or part[0] == "√")  # a/b c must not read as a/(bc)
            row += (" " if is_apart or _would_merge(row, part) else "") + part
        is_operand = not (is_operator or (child.tag == "mo" and part in _OPENING))
        is_composed = child.tag in _COMPOSED
    return row.strip()


def _would_merge(row: str, part: str) -> bool:
    """Tell whether two numbers, or a multi-letter name and its argument, would read as one without a space."""
    if not row or not part:
        return False
    if row[-1].isdigit() and part[0].isdigit():
        return True
    word = row.rpartition(" ")[2]
    return row[-1].isalpha() and part[0].isalpha() and (_is_word(word) or _is_word(part))


def _is_word(text: str) -> bool:
    return len(text) > 1 and text.isalpha()


def _grouped(text: str) -> str:
    """Return the text, in parentheses if it is more than one number or name."""
    is_fenced = text.startswith("(") and text.endswith(")") and "(" not in text[1:] and ")" not in text[:-1]
    return text if _SIMPLE.fullmatch(text) or is_fenced else f"({text})"


def _fraction(element: Element, parts: list[str]) -> str:
    if _ZERO_THICKNESS.fullmatch(element.get("linethickness", "")):
        return f"({parts[0]} over {parts[1]})"  # a binomial coefficient, not a quotient
    return f"{_grouped(parts[0])}/{_grouped(parts[1])}"


def _below(_: Element, parts: list[str]) -> str:
    return f"{parts[0]}_{_grouped(parts[1])}"


def _above(_: Element, parts: list[str]) -> str:
    return f"{_grouped(parts[0])}^{_grouped(parts[1])}"


def _below_and_above(_: Element, parts: list[str]) -> str:
    return f"{parts[0]}_{_grouped(parts[1])}^{_grouped(parts[2])}"


def _square_root(element: Element, parts: list[str]) -> str:
    return f"√{_grouped(_row(element, parts))}"


def _root(_: Element, parts: list[str]) -> str:
    return f"{_grouped(parts[0])}^(1/{_grouped(parts[1])})"


def _fenced(element: Element, parts: list[str]) -> str:
    separator = (element.get("separators", ",").strip() or ",")[0]
    return element.get("open", "(") + f"{separator} ".join(parts) + element.get("close", ")")


def _scripts(element: Element, parts: list[str]) -> str:
    """Return a base with its pairs of lower and upper scripts; the pairs after `mprescripts` precede the base."""
    leading: list[str] = []
    trailing: list[str] = []
    scripts = trailing
    for child, part in list(zip(element, parts, strict=True))[1:]:
        if child.tag == "mprescripts":
            scripts = leading
        else:
            scripts.append(part)
    return f"{_pairs(leading)}{parts[0]}{_pairs(trailing)}"


def _pairs(parts: list[str]) -> str:
    written = ""
    for lower, upper in zip(parts[::2], [*parts[1::2], ""], strict=False):
        written += (f"_{_grouped(lower)}" if lower else "") + (f"^{_grouped(upper)}" if upper else "")
    return written


def _empty(_: Element, parts: list[str]) -> str:
    del parts
    return ""


def _table(_: Element, parts: list[str]) -> str:
    return f"[{'; '.join(parts)}]"


def _table_row(_: Element, parts: list[str]) -> str:
    return ", ".join(parts)


_READERS: Mapping[str, Callable[[Element, list[str]], str]] = {
    "mfenced": _fenced,
    "mfrac": _fraction,
    "mlabeledtr": _table_row,
    "mmultiscripts": _scripts,
    "mover": _above,
    "mphantom": _empty,
    "mprescripts": _empty,
    "mroot": _root,
    "msqrt": _square_root,
    "msub": _below,
    "msubsup": _below_and_above,
    "msup": _above,
    "mtable": _table,
    "mtr": _table_row,
    "munder": _below,
    "munderover": _below_and_above,
    "none": _empty,
}
_MIN_PARTS = {
    **dict.fromkeys(("mfrac", "mover", "mroot", "msub", "msup", "munder"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
    "mmultiscripts": 1,
}
