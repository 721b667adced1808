"""The facts about WordPress's formats, for detection, problems and the documentation."""

from __future__ import annotations

import json

from services.ingest.domain.formats import Format

_WXR_EXAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
  <title>Harbour Post</title>
  <link>https://harbour.example</link>
  <language>en-GB</language>
  <wp:wxr_version>1.2</wp:wxr_version>
  <wp:author>
    <wp:author_login>asha</wp:author_login>
    <wp:author_display_name>Asha Nair</wp:author_display_name>
  </wp:author>
  <item>
    <title>Harbour bridge reopens after two years of repairs</title>
    <link>https://harbour.example/2026/11/harbour-bridge-reopens/</link>
    <dc:creator>asha</dc:creator>
    <guid isPermaLink="false">https://harbour.example/?p=81</guid>
    <content:encoded><![CDATA[The harbour bridge reopened on Sunday.

Drivers pay nothing.]]></content:encoded>
    <excerpt:encoded><![CDATA[The first buses crossed at dawn.]]></excerpt:encoded>
    <wp:post_id>81</wp:post_id>
    <wp:post_date>2026-11-22 09:30:00</wp:post_date>
    <wp:post_date_gmt>2026-11-22 04:00:00</wp:post_date_gmt>
    <wp:post_name>harbour-bridge-reopens</wp:post_name>
    <wp:status>publish</wp:status>
    <wp:post_type>post</wp:post_type>
    <category domain="post_tag" nicename="transport">Transport</category>
  </item>
</channel>
</rss>"""

_REST_EXAMPLE = {
    "id": 81,
    "date_gmt": "2026-11-22T04:00:00",
    "modified_gmt": "2026-11-22T04:10:00",
    "guid": {"rendered": "https://harbour.example/?p=81"},
    "slug": "harbour-bridge-reopens",
    "status": "publish",
    "type": "post",
    "link": "https://harbour.example/2026/11/harbour-bridge-reopens/",
    "title": {"rendered": "Harbour bridge reopens after two years of repairs"},
    "content": {"rendered": "<p>The harbour bridge reopened on Sunday.</p>\n", "protected": False},
    "excerpt": {"rendered": "<p>The first buses crossed at dawn.</p>\n", "protected": False},
    "sticky": False,
    "_embedded": {
        "author": [{"name": "Asha Nair"}],
        "wp:term": [[{"taxonomy": "post_tag", "name": "Transport", "slug": "transport"}]],
    },
}

WXR_FORMAT = Format(
    name="wxr",
    title="WordPress export (WXR)",
    media_types=("application/rss+xml",),
    takes="an export with up to 500 items; a larger one comes through `pressline import wxr`",
    example=_WXR_EXAMPLE,
    about="""The `guid` is the id of a post. Only posts with the status `publish` and without a password become
articles; drafts, scheduled and private posts withdraw their article, and attachments are media.
A part for members only is cut and reported, by its block or shortcode. A custom field marks a whole post: a post
for members only is held. `link` becomes a redirect.
The first category that names a section is the section. Comments and e-mail addresses are never published.""",
)

REST_FORMAT = Format(
    name="wordpress",
    title="WordPress REST post",
    media_types=("application/vnd.wordpress.post+json",),
    takes="one post, a hook's body with a `post`, or a list of up to 500 posts",
    example=json.dumps(_REST_EXAMPLE, ensure_ascii=False, indent=2),
    about="""Send the post with `?_embed`, so that it names its author, terms and picture. A post that is not
published any more (draft, private, trash, a password) withdraws its article. A deletion
(`{"deleted": true, "previous": …}`) kills it.
The `guid` is the id, as in the export. `modified_gmt` orders the revisions.""",
)
