"""WordPress: the export file (WXR), and posts as JSON."""

from __future__ import annotations

from services.ingest.adapters.readers.wordpress.rest import WordpressReader
from services.ingest.adapters.readers.wordpress.wxr import WxrReader

__all__ = ["WordpressReader", "WxrReader"]
