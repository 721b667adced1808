"""Parsers of times in options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from services.desk.domain.times import (
    FUTURE_TIME_FORMS,
    TIME_FORMS,
    UnreadableTimeError,
    duration_of,
    future_instant_of,
    instant_of,
)

FORMS = f"A time: {TIME_FORMS}."
FUTURE_FORMS = f"A time: {FUTURE_TIME_FORMS}."


def instant(text: str) -> datetime:
    """Return the instant (UTC) of an option's text.

    Raises:
        typer.BadParameter: the text is no time; the error lists the accepted forms.
    """
    try:
        return instant_of(text, datetime.now(UTC))
    except UnreadableTimeError as error:
        raise typer.BadParameter(str(error)) from error


def future_instant(text: str) -> datetime:
    """Return the future instant (UTC) of an option's text.

    Raises:
        typer.BadParameter: the text is no time; the error lists the accepted forms.
    """
    try:
        return future_instant_of(text, datetime.now(UTC))
    except UnreadableTimeError as error:
        raise typer.BadParameter(str(error)) from error


def duration(text: str) -> timedelta:
    """Return the duration of an option's text.

    Raises:
        typer.BadParameter: the text is no duration; the error lists the accepted forms.
    """
    try:
        return duration_of(text)
    except UnreadableTimeError as error:
        raise typer.BadParameter(str(error)) from error
