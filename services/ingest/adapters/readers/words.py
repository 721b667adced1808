"""Translates pydantic's errors into faults that a newsroom's engineer can read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.ingest.adapters.readers.reasons import DATE_TIME_FAULT
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault

_PATTERN_TEXTS = {
    "site": "must be a site's id, such as epn",
    "section": "must be a section's id: lower-case letters a-z, digits and single hyphens, such as world",
    "language": "must be a language tag, such as en or pt-BR",
    "media": "must be the 64 hex digits that POST /v1/media returned",
}
_TEXTS = {
    "missing": "is required and missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "timezone_aware": DATE_TIME_FAULT,
}
_TEXTS_WITH_BOUND: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_too_long": lambda bound: f"has more than {bound['max_length']} characters",
    "string_too_short": lambda bound: f"has fewer than {bound['min_length']} characters",
    "too_long": lambda bound: f"has more than {bound['max_length']} entries",
    "greater_than_equal": lambda bound: f"must be at least {bound['ge']}",
    "less_than_equal": lambda bound: f"must be at most {bound['le']}",
    "less_than": lambda bound: f"must be less than {bound['lt']}",
    "enum": lambda bound: f"must be one of {bound['expected']}",
    "literal_error": lambda bound: f"must be one of {bound['expected']}",
}


def faults_of(error: ValidationError, names: Collection[str]) -> list[Fault]:
    """Return one fault per error, with its JSON pointer; `names` are the known top-level fields."""
    found = error.errors(include_url=False)
    return [Fault(pointer(*each["loc"]), _fault_text(each, names)) for each in found]


def _fault_text(error: ErrorDetails, names: Collection[str]) -> str:
    kind, field = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(field[:40], names if len(error["loc"]) == 1 else (), n=1)
        return "is not a known field" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "string_pattern_mismatch":
        return _PATTERN_TEXTS.get(field, "is not of the right form")
    if kind.startswith(("datetime_", "date_from_datetime")):
        return DATE_TIME_FAULT
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "too_long" and isinstance(error["input"], str):
        kind = "string_too_long"
    if kind in _TEXTS_WITH_BOUND:
        return _TEXTS_WITH_BOUND[kind](error["ctx"])
    return _TEXTS.get(kind, error["msg"])
