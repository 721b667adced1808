"""What an enricher is.

A later one (entities, related articles, topics) is a module in `domain/` and a line in `domain/rules.py`; one that has
to ask the world (a store, a vocabulary server) is an adapter that wiring adds.
"""

from __future__ import annotations

from typing import Protocol

from services.enrich.domain.state import EnrichmentState


class Enricher(Protocol):
    """One step over a draft: says one kind of thing that the text did not say."""

    def __call__(self, state: EnrichmentState, /) -> EnrichmentState:
        """Return the draft with this step's findings.

        The same draft gives the same findings: no clock, no randomness, no order of arrival.

        Raises:
            HostileMarkupError: the body cannot be read safely.
        """
        ...
