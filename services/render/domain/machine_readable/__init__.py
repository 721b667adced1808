"""Machine-readable files: feeds, sitemaps, and small files such as robots.txt and the web manifest.

All functions are pure functions of a site and its cards. None reads a clock, and none shows the time of a text's last
correction: a corrected typo changes only the article's page.
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
