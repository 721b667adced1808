"""The article: its revisions, history, card, record, addresses and text rules."""
