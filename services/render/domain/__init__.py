"""The rules of rendering: pure functions from articles and cards to what a page says."""
