"""The facts about the format NewsML-G2, for detection, problems and the documentation."""

from __future__ import annotations

from services.ingest.domain.formats import Format

_EXAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:newsml:wire.example:20261122:harbour-bridge" version="2"
  standard="NewsML-G2" standardversion="2.35" conformance="power" xml:lang="en">
  <catalogRef href="http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_41.xml"/>
  <itemMeta>
    <itemClass qcode="ninat:text"/>
    <provider literal="wire.example"/>
    <versionCreated>2026-11-22T09:30:00+05:30</versionCreated>
    <pubStatus qcode="stat:usable"/>
  </itemMeta>
  <contentMeta>
    <urgency>3</urgency>
    <subject type="cpnat:abstract" qcode="medtop:15000000"><name>sport</name></subject>
    <headline>Harbour bridge reopens after two years of repairs</headline>
    <by>Asha Example</by>
    <description role="drol:summary">The first buses crossed at dawn; the toll is gone for good.</description>
  </contentMeta>
  <contentSet>
    <inlineXML contenttype="application/xhtml+xml">
      <html xmlns="http://www.w3.org/1999/xhtml"><body>
        <p>The harbour bridge reopened on Sunday.</p>
        <h2>No more tolls</h2>
        <p>Drivers pay nothing.</p>
      </body></html>
    </inlineXML>
  </contentSet>
</newsItem>
"""

FORMAT = Format(
    name="newsml-g2",
    title="IPTC NewsML-G2",
    media_types=(
        "application/vnd.iptc.g2.newsitem+xml",
        "application/vnd.iptc.g2.newsmessage+xml",
        "application/vnd.iptc.g2.packageitem+xml",
        "application/vnd.iptc.g2.conceptitem+xml",
        "application/vnd.iptc.g2.knowledgeitem+xml",
        "application/vnd.iptc.g2.planningitem+xml",
    ),
    takes="a newsItem, or a newsMessage with up to 500 items",
    example=_EXAMPLE,
    about="""* `guid` is the id. `versionCreated` and a numeric `version` order the revisions.
* `pubStatus` is the status; without one the item is usable. A signal of deletion (Reuters `edStat:D`) is a kill.
* An empty `embargoed` means none. An embargo needs a zone, or the feed's `zone`.
* The text is XHTML or NITF in `inlineXML`, otherwise HTML or plain text in `inlineData`.
* Authors are creators and contributors with an author's role, or those that the byline names.
* `edNote` and contact details are never published. One exception: a public correction note of a correction.
* Pictures, videos and sounds are kept as media. Concepts, plannings and packages of references are refused:
  the items of a package arrive separately.
* Catalogs are never fetched; codes are compared by their last part.""",
)
