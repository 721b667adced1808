"""The facts about the formats RSS, Atom and JSON Feed, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_ITEM = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" \
xmlns:dc="http://purl.org/dc/elements/1.1/">
  <channel>
    <title>Harbour Courier</title>
    <link>https://courier.example/</link>
    <description>News of the harbour</description>
    <language>en</language>
    <item>
      <title>Harbour bridge reopens after two years of repairs</title>
      <link>https://courier.example/2026/11/harbour-bridge/</link>
      <guid isPermaLink="false">courier-4711</guid>
      <pubDate>Sun, 22 Nov 2026 09:30:00 +0530</pubDate>
      <dc:creator>Ada Marlow</dc:creator>
      <category>Transport</category>
      <description>The first buses crossed at dawn; the toll is gone for good.</description>
      <content:encoded><![CDATA[<p>The harbour bridge reopened on Sunday.</p>]]></content:encoded>
    </item>
  </channel>
</rss>
"""
_ENTRY = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
  <title>Harbour Courier</title>
  <id>tag:courier.example,2026:feed</id>
  <link href="https://courier.example/"/>
  <updated>2026-11-22T09:30:00+05:30</updated>
  <entry>
    <title>Harbour bridge reopens after two years of repairs</title>
    <id>tag:courier.example,2026:4711</id>
    <link href="https://courier.example/2026/11/harbour-bridge/"/>
    <published>2026-11-22T09:00:00+05:30</published>
    <updated>2026-11-22T09:30:00+05:30</updated>
    <author><name>Ada Marlow</name></author>
    <category term="Transport"/>
    <summary>The first buses crossed at dawn; the toll is gone for good.</summary>
    <content type="html">&lt;p&gt;The harbour bridge reopened on Sunday.&lt;/p&gt;</content>
  </entry>
</feed>
"""
_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Harbour Courier",
    "home_page_url": "https://courier.example/",
    "language": "en",
    "items": [
        {
            "id": "courier-4711",
            "url": "https://courier.example/2026/11/harbour-bridge/",
            "title": "Harbour bridge reopens after two years of repairs",
            "summary": "The first buses crossed at dawn; the toll is gone for good.",
            "content_html": "<p>The harbour bridge reopened on Sunday.</p>",
            "date_published": "2026-11-22T09:00:00+05:30",
            "date_modified": "2026-11-22T09:30:00+05:30",
            "authors": [{"name": "Ada Marlow"}],
            "tags": ["Transport"],
        }
    ],
}
_COMMON = """
* **Entries.** Each entry is an article of its own. A faulty entry is refused and does not affect the others.
* **Times.** `version_created` is the later of the two dates. `first_created` and `first_published` are the date of
  publication, so that an update does not date the article. An entry without a readable date gets the time of receipt,
  with a warning. A date without a zone is in the site's zone.
* **Future dates.** A date more than five minutes in the future is an embargo. An entry is held if its date of
  publication cannot be read and names no year that is over.
* **Not public.** An entry that its sender marks as a draft or as blocked withdraws its article.
* **Text.** A summary beside a text is the standfirst, unless the text begins with it. An entry that has only a summary
  gets it as its text, with a warning. An entry without a title gets the beginning of its text as headline.
* **Titles.** Characters that were escaped twice are decoded. Tags such as `<em>` are removed.
* **Section.** The first category that names a section of the site. All other categories become keywords.
* **Links.** Relative links start at `xml:base`, otherwise at the address of the feed. Tracking parameters stay.
* **Not an article.** An entry with sound or video and at most 20 words is kept as `media`. So is an entry that has only
  pictures.
* **Left out.** Mail addresses, share buttons, invisible pictures that count readers, and unknown elements.
"""
_RSS_RULES = """RSS 2.0, 0.9x and 1.0 (RDF) are read.

* **Identity.** `guid`, otherwise the link. `dc:identifier` is no identity. If items with different links share a guid,
  the link is the identity, with a warning. White space around a link is removed, and inside it is encoded.
* **Text.** `content:encoded` comes before `description`.
* **Dates.** `pubDate` or `dc:date`; an update is `dcterms:modified` or `atom:updated`. `Sept`, years of two digits and
  zones such as `EST` are read.
* **Removals.** `<media:status state="deleted"/>` at an item withdraws its article. `blocked` holds its article.
* **Faulty XML.** A bare `&` and an undeclared prefix are corrected, with a warning.
"""
_ATOM_RULES = """Atom 1.0 and 0.3 are read, as a feed or as a single entry.

* **Identity.** `id`, otherwise the link.
* **Dates.** `published` and `updated`.
* **Removals.** A deleted entry (`at:deleted-entry`, RFC 6721) withdraws its article. A draft (`app:control`) is held.
* **Authors.** An entry without an author inherits the feed's.
"""
_JSON_RULES = """JSON Feed 1.0 and 1.1 are read.

* **Identity.** `id`, otherwise `url`. A number is read as text.
* **Text.** `content_html` comes before `content_text`.
* **Dates.** `date_published` and `date_modified`.
* **Pictures.** `image` is the lead picture; attachments that are pictures follow.
* **Paging.** `next_url` and `expired` are reported as warnings.
"""

RSS = Format(
    name="rss",
    title="RSS 2.0, 1.0 and 0.9x",
    media_types=("application/rss+xml", "application/rdf+xml", "text/rss+xml"),
    takes="a feed with up to 500 items",
    example=_ITEM,
    about=_RSS_RULES + _COMMON.lstrip("\n"),
)
ATOM = Format(
    name="atom",
    title="Atom 1.0 and 0.3",
    media_types=("application/atom+xml",),
    takes="a feed with up to 500 entries, or one entry",
    example=_ENTRY,
    about=_ATOM_RULES + _COMMON.lstrip("\n"),
)
JSON_FEED = Format(
    name="json-feed",
    title="JSON Feed 1.0 and 1.1",
    media_types=("application/feed+json",),
    takes="a feed with up to 500 items",
    example=json.dumps(_FEED, ensure_ascii=False, indent=2),
    about=_JSON_RULES + _COMMON.lstrip("\n"),
)
