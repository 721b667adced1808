"""The rules of rendering: pure functions from articles and cards to views and machine-readable files."""
