"""Reasons and faults that several readers report in the same words."""

from __future__ import annotations

NOTE_REASON = "notes to editors are never published"
CONTACT_REASON = "contact details are never published"
DATE_TIME_FAULT = "must be a date-time with its zone, such as 2025-02-13T06:14:00+05:30"
