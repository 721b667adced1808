"""The article as every service knows it: its revisions, card, record, addresses and text rules."""
