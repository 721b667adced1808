"""The desk's ways to the line."""
