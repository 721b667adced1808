"""The desk's pure rules."""
