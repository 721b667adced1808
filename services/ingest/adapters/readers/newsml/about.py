"""The facts about the format NewsML 1.x, for detection, problems and the documentation."""

from __future__ import annotations

from services.ingest.domain.formats import Format

_EXAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<NewsML Version="1.2">
  <NewsItem xml:lang="en">
    <Identification>
      <NewsIdentifier>
        <ProviderId>wire.example</ProviderId>
        <DateId>20261122</DateId>
        <NewsItemId>harbour-bridge</NewsItemId>
        <RevisionId PreviousRevision="1" Update="N">2</RevisionId>
        <PublicIdentifier>urn:newsml:wire.example:20261122:harbour-bridge:2</PublicIdentifier>
      </NewsIdentifier>
    </Identification>
    <NewsManagement>
      <NewsItemType FormalName="News"/>
      <FirstCreated>20261122T080000+0530</FirstCreated>
      <ThisRevisionCreated>20261122T093000+0530</ThisRevisionCreated>
      <Status FormalName="Usable"/>
      <Urgency FormalName="3"/>
    </NewsManagement>
    <NewsComponent>
      <NewsLines>
        <HeadLine>Harbour bridge reopens after two years of repairs</HeadLine>
        <ByLine>Asha Example</ByLine>
        <KeywordLine>transport</KeywordLine>
      </NewsLines>
      <DescriptiveMetadata><Language FormalName="en"/></DescriptiveMetadata>
      <ContentItem>
        <MediaType FormalName="Text"/>
        <DataContent>
          <nitf><body><body.content>
            <p>The harbour bridge reopened on Sunday.</p>
            <p>Drivers pay nothing.</p>
          </body.content></body></nitf>
        </DataContent>
      </ContentItem>
    </NewsComponent>
  </NewsItem>
</NewsML>
"""

FORMAT = Format(
    name="newsml",
    title="IPTC NewsML 1.x",
    media_types=("application/vnd.iptc.newsml+xml", "application/newsml+xml"),
    takes="a document with up to 500 news items",
    example=_EXAMPLE,
    about="""* The id is made of ProviderId, DateId and NewsItemId.
* A DateId that repeats the time of the revision is no part of the id.
* `ThisRevisionCreated` and `RevisionId` order the revisions. A time without a zone has the zone of the feed.
* `Status` is the status. `Embargoed` needs a `StatusWillChange` with its time. An `Instruction` to kill is a kill.
* The text is NITF, XHTML or plain text in `DataContent`. Of several languages or lengths, one is used.
* Contact components are never published; items with only pictures are kept as media.""",
)
