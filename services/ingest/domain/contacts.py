"""Finds mail addresses and telephone numbers in short lines; they are never published."""

from __future__ import annotations

import re

_LABEL = r"(?:(?:e-?mail|mail|tel(?:efon|ephone)?|phone|ph|fon|mob(?:ile?|iltelefon)?|cell|fax)\b[.:\s]{0,5})"
_MAIL = r"[\w.+%-]{1,64}(?:@|\s?[(\[]at[)\]]\s?)[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
_DIGITS = r"\d(?:[ ()/.\u00a0\u2013-]{0,3}\d)"
_NUMBER = (
    rf"(?:\+|\(\+|\b00)\s?{_DIGITS}{{5,17}}"  # with a country
    r"|(?<![\w.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b"
    rf"|(?<![\w.])(?!\d{{1,2}}\.\d{{1,2}}\.\d)\(?0{_DIGITS}{{6,15}}"
)
_CONTACT = re.compile(rf"{_LABEL}?{_MAIL}|{_LABEL}\(?{_DIGITS}{{3,17}}|{_LABEL}?(?:{_NUMBER})", re.IGNORECASE)
_EMPTY_BRACKETS = re.compile(r"[(\[]\s{0,3}[)\]]")
_REPEATED_MARKS = re.compile(r"([,;|/])(?:\s{0,3}[,;|/]){1,5}")
_SPACES = re.compile(r"\s{2,20}")
_MARKS = " ,;:|/-\u2013\u2014"


def has_contacts(text: str) -> bool:
    """Return whether a text has a mail address or a telephone number."""
    return _CONTACT.search(text) is not None


def without_contacts(text: str) -> str:
    """Return a line without mail addresses and telephone numbers, and without the marks that are left over."""
    if not has_contacts(text):
        return text
    rest = _REPEATED_MARKS.sub(r"\1", _EMPTY_BRACKETS.sub("", _CONTACT.sub("", text)))
    return _SPACES.sub(" ", rest).replace(" ,", ",").strip(_MARKS)
