"""The facts about the format NITF, for detection, problems and the documentation."""

from __future__ import annotations

from services.ingest.domain.formats import Format

_EXAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<nitf xmlns="http://iptc.org/std/NITF/2006-10-18/" baselang="en">
  <head>
    <tobject><tobject.subject tobject.subject.refnum="15000000" tobject.subject.type="Sport"/></tobject>
    <docdata management-status="usable">
      <doc-id id-string="harbour-bridge-2026-11-22" regsrc="EXAMPLE"/>
      <du-key key="harbour-bridge" version="2"/>
      <urgency ed-urg="3"/>
      <date.issue norm="20261122T093000+0530"/>
      <key-list><keyword key="transport"/></key-list>
      <doc.copyright holder="Example Wire" year="2026"/>
    </docdata>
  </head>
  <body>
    <body.head>
      <hedline><hl1>Harbour bridge reopens after two years of repairs</hl1></hedline>
      <byline>By <person>Asha Example</person><byttl>Transport Writer</byttl></byline>
      <abstract><p>The first buses crossed at dawn; the toll is gone for good.</p></abstract>
    </body.head>
    <body.content>
      <p lede="true">The harbour bridge reopened on Sunday.</p>
      <hl2>No more tolls</hl2>
      <p>Drivers pay nothing.</p>
    </body.content>
  </body>
</nitf>
"""

FORMAT = Format(
    name="nitf",
    title="NITF 3.x",
    media_types=("application/nitf+xml", "application/vnd.iptc.nitf+xml"),
    takes="one document",
    example=_EXAMPLE,
    about="""* The id is `doc-id@id-string`. If it only adds a number to `du-key@key`, the key is the id.
* Without any id, the day of issue and the headline are the id. An update then needs the same headline.
* `du-key@version` and `date.issue` order the revisions.
* `management-status` is the status. `embargoed` needs `date.release`. A cancellation removes the document that
  `management-doc-idref` names.
* `ed-msg` and non-public notes are never published.
* `media` elements become pictures; `hl2` becomes a sub-head.""",
)
