"""A time as an option takes it."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from services.desk.domain.times import TEACHING, UnreadableTimeError, instant_of

FORMS = f"A time: {TEACHING}."


def instant(text: str) -> datetime:
    """Return the instant that a person means, or say which forms there are."""
    try:
        return instant_of(text, datetime.now(UTC))
    except UnreadableTimeError as error:
        raise typer.BadParameter(str(error)) from error
