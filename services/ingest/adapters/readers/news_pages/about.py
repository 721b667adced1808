"""The facts about HTML pages as a format, for detection, problems and the documentation."""

from __future__ import annotations

from services.ingest.domain.formats import Format

_EXAMPLE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Harbour bridge reopens after two years of repairs - Harbour Courier</title>
  <link rel="canonical" href="https://courier.example/2026/11/harbour-bridge/">
  <script type="application/ld+json">
  {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Harbour bridge reopens after two years of repairs",
    "datePublished": "2026-11-22T09:00:00+05:30",
    "dateModified": "2026-11-22T09:30:00+05:30",
    "author": [{"@type": "Person", "name": "Ada Marlow"}],
    "articleSection": "Transport"
  }
  </script>
</head>
<body>
  <article>
    <h1>Harbour bridge reopens after two years of repairs</h1>
    <p>The harbour bridge reopened on Sunday. The first buses crossed at dawn.</p>
    <p>The toll is gone for good, and drivers pay nothing from now on.</p>
  </article>
</body>
</html>
"""
_RULES = """A page with one article is read. JSON-LD comes first, then microdata, then Open Graph (`og:type` article).

* **JSON-LD.** Several scripts, `@graph`, lists of types and references by `@id` are read. Scripts that are not JSON
  are reported.
* **Identity.** The canonical link, otherwise the address in the data. It is the article's canonical address too.
* **Headline.** `headline`, without the site's name. The page's title completes a headline that was cut.
* **Times.** `version_created` is the later of `dateModified` and `datePublished`. A date without a zone is in the
  site's zone, with a warning. A date more than five minutes in the future is an embargo.
* **Text.** `articleBody` if it has tags. Otherwise the element that the page marks as `articleBody`, otherwise the part
  of the page with most text. Newsletter boxes, lists of other stories, share buttons and forms are left out. A plain
  `articleBody` is used if the page has much less text.
* **Players.** Frames, videos and quoted posts stay in their places.
* **Members only.** A page with `isAccessibleForFree` false or `article:content_tier` locked is held. An article that
  was published before is withdrawn. A page whose `creativeWorkStatus` is not a published one is held too.
* **Not an article.** Home pages, lists, video pages and pages without a description of an article are refused.
"""

HTML = Format(
    name="html",
    title="HTML page with schema.org NewsArticle",
    media_types=("application/xhtml+xml",),
    takes="a page with one article",
    example=_EXAMPLE,
    about=_RULES,
)
