"""The rules of enrichment: pure functions of one revision. The same revision gives the same bytes."""
