"""What machines read: feeds, sitemaps, and the small files that tell them where to look.

Pure functions of a site and its cards. None knows what time it is, and none shows when a text was last mended: a
corrected typo rebuilds one page.
"""

from services.render.domain.machine_readable.feeds import atom, json_feed, rss
from services.render.domain.machine_readable.files import Icon, llms, manifest, open_search, recent, robots
from services.render.domain.machine_readable.sitemaps import sitemap_day, sitemap_fronts, sitemap_index, sitemap_news

__all__ = [
    "Icon",
    "atom",
    "json_feed",
    "llms",
    "manifest",
    "open_search",
    "recent",
    "robots",
    "rss",
    "sitemap_day",
    "sitemap_fronts",
    "sitemap_index",
    "sitemap_news",
]
