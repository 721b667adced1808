"""A time as an option takes it."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from services.desk.domain.times import TEACHING, TEACHING_TO_COME, UnreadableTimeError, instant_of, instant_to_come

FORMS = f"A time: {TEACHING}."
FORMS_TO_COME = f"A time: {TEACHING_TO_COME}."


def instant(text: str) -> datetime:
    """Return the instant that a person means, or say which forms there are."""
    try:
        return instant_of(text, datetime.now(UTC))
    except UnreadableTimeError as error:
        raise typer.BadParameter(str(error)) from error


def coming_instant(text: str) -> datetime:
    """Return the instant that a person means by something that is to come, or say which forms there are."""
    try:
        return instant_to_come(text, datetime.now(UTC))
    except UnreadableTimeError as error:
        raise typer.BadParameter(str(error)) from error
