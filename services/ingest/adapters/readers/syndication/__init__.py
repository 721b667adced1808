"""Readers of feeds: RSS, Atom and JSON Feed. Each entry of a feed is an article."""

from services.ingest.adapters.readers.syndication.atom import AtomReader
from services.ingest.adapters.readers.syndication.json_feed import JsonFeedReader
from services.ingest.adapters.readers.syndication.rss import RssReader

__all__ = ["AtomReader", "JsonFeedReader", "RssReader"]
