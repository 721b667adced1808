"""The port of an enricher.

A new enricher (entities, related articles, topics) is a module in `domain/` and an entry in `domain/rules.py`. An
enricher with I/O (a store, a vocabulary server) is an adapter that `wiring.py` adds.
"""

from __future__ import annotations

from typing import Protocol

from services.enrich.domain.state import EnrichmentState


class Enricher(Protocol):
    """One step of enrichment: adds one kind of finding to the state."""

    def __call__(self, state: EnrichmentState, /) -> EnrichmentState:
        """Return the state with this step's findings.

        The same state gives the same findings: no clock, no randomness, no order of arrival.

        Raises:
            HostileMarkupError: the body cannot be read safely.
        """
        ...
