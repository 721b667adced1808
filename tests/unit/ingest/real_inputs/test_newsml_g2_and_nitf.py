"""The given NewsML-G2 and NITF files of agencies; skipped where the inputs are absent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Entry, Reading, ReadingContext, RefusedError, SetAside
from shared.model.article import Article, Status
from tests.unit.ingest.conftest import INPUTS
from tests.unit.ingest.fuzzing import assert_survives

Wire = Callable[[str], bytes]
REUTERS = "tag_reuters.com_2014_newsml_"
KILL = "g17/tag_reuters.com_2016_newsml_L1N14N0FF_version_1542761538"
CORRECTED = "g17/tag_reuters.com_2016_newsml_L1N14N0FF_version_978556838"
DPA = "g21/urn_newsml_dpa.com_20090101_"
DPA_ID = "urn:newsml:dpa.com:20090101:"
FILES = (*("g12", "g13", "g14", "g15", "g16", "g17", "g18", "g19", "g20", "g21"), *("g26", "g27", "g28", "g29"))
TELEPHONE = re.compile(r"\+\d{2} ?\d[\d ./-]{5,}|\b[\w.]+@[\w.]+\.(?:com|de|no)\b")


def _outcome(raw: bytes, context: ReadingContext) -> Entry | RefusedError:
    try:
        (entry,) = read_document(raw, None, context)
    except RefusedError as error:
        return error
    return entry


@pytest.mark.parametrize(
    ("path", "source_id", "headline", "version", "language"),
    [
        ("g12/LISTING_2_NewsML-G2_Text_Document.xml", "urn:newsml:acmenews.com:20161121", "Fed to halt", 11, "en-US"),
        (f"g16/{REUTERS}KBN0FL0NN_version_5", f"{REUTERS}KBN0FL0NN", "Confident Assad", 5, "en-US"),
        (CORRECTED, "tag:reuters.com,0000:newsml_L1N14N0FF", "CORRECTED-S. Illinois", 978556838, "en"),
        ("g18/scoop.xml", "BD-20160112123540", "Dick Smith receivers", 3, "en-US"),
        ("g19/0b78.xml", "urn:newsml:marketwired.com:20020408", "Arrow Exploration", 1, "en-US"),
        ("g20/stt_newsml_location_rich.xml", "urn:newsml:stt.fi:20170829:101572756", "Tuhannet", 1, "fi-FI"),
        (f"{DPA}170626-99-998860.xml", f"{DPA_ID}170626-99-998860", "Thyssenkrupp-Klage", 20, "de"),
        (f"{DPA}170629-99-43475.xml", f"{DPA_ID}170629-99-43475", "Bundestag beschließt", 8, "de"),
        (f"{DPA}170629-99-44578.xml", f"{DPA_ID}170629-99-44578", "Flüchtlinge: Merkel", 24, "de"),
        (f"{DPA}170629-99-49849.xml", f"{DPA_ID}170629-99-49849", "DFB\u00a0sperrt", 3, "de"),
        (f"{DPA}170629-99-48599.xml", f"{DPA_ID}170629-99-48599", "Berliner Polizei", 3, "de"),
        (f"{DPA}170629-90-024451.xml", f"{DPA_ID}170629-90-024451", "Sorten- und", 2, "de"),
        (f"{DPA}170629-90-026279.xml", f"{DPA_ID}170629-90-026279", "Ausgewählte", 2, "de"),
        (f"{DPA}170629-99-45570.xml", f"{DPA_ID}170629-99-45570", "Abgas-Skandal", 6, "de"),
        (f"{DPA}170629-99-46001.xml", f"{DPA_ID}170629-99-46001", "Slowenien erringt", 10, "de"),
        (f"{DPA}170629-99-49612.xml", f"{DPA_ID}170629-99-49612", "Starker Regen", 4, "de"),
        ("g22/with_dateline.xml", f"{DPA_ID}250128-930-357319", "DeepSeek-Schock", 2, "de"),
        ("g23/embargoed.xml", f"{DPA_ID}250123-930-353124", "Steinmeier: Russland", 1, "de"),
        ("g26/ap-nitf.xml", "nitf:", "Can trading pollution", None, "en"),
        ("g27/nitf-ntb.xml", "faktisk-d9cde75b-256e-4989-b6a3-b8ad27f43a5c", "Faktisk.no: Nei", 48, "nb-NO"),
        ("g28/ap_media_text_nitf.xml", "nitf:", "BC-BBN--Top Ten", None, "en"),
        ("g29/pa1.xml", "af1f7ad5-5619-49de-84cc-2e608538c77fSSS-3-1", "PA SPORT TRIVIA", None, "en"),
    ],
)
def test_the_given_text_becomes_an_article(
    wire: Wire,
    context: ReadingContext,
    path: str,
    source_id: str,
    headline: str,
    version: int | None,
    language: str,
) -> None:
    entry = _outcome(wire(path), context)

    assert isinstance(entry, Reading)
    article = entry.article
    assert article.source_id.startswith(source_id)
    assert article.headline.startswith(headline)
    assert (article.version, article.language, article.status) == (version, language, Status.USABLE)
    assert article.version_created is not None
    assert article.body.startswith(("<p>", "<p ", "<h2>", "<div", "<table"))
    assert not entry.held_because


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("g13/LISTING_1_A_NewsML-G2_News_Item.xml", "contentSet"),  # embargoed, with an empty text
        ("g14/LISTING_6_Simple_NewsML-G2_Package.xml", "its items arrive separately"),
        (f"g16/{REUTERS}KBN0FL0NM_version_10", "its items arrive separately"),
    ],
)
def test_the_given_item_without_a_text_is_refused(wire: Wire, context: ReadingContext, path: str, reason: str) -> None:
    error = _outcome(wire(path), context)

    assert isinstance(error, RefusedError)
    assert error.code == 422
    assert reason in error.detail


@pytest.mark.parametrize("path", ["g15/LISTING_3_Photo_in_NewsML-G2.xml", f"g16/{REUTERS}LYNXMPEA6F0MS_version_2"])
def test_the_given_picture_is_kept_as_media(wire: Wire, context: ReadingContext, path: str) -> None:
    entry = _outcome(wire(path), context)

    assert isinstance(entry, SetAside)
    assert entry.status == "media"


def test_the_given_kill_follows_its_correction_although_the_numbers_are_opaque(
    wire: Wire, context: ReadingContext
) -> None:
    corrected, kill = _outcome(wire(CORRECTED), context), _outcome(wire(KILL), context)

    assert isinstance(corrected, Reading)
    assert isinstance(kill, Reading)
    assert kill.article.status is Status.CANCELED
    assert kill.article.source_id == corrected.article.source_id
    assert kill.article.version_created is not None
    assert corrected.article.version_created is not None
    assert kill.article.version_created > corrected.article.version_created


def test_the_given_embargo_keeps_its_offset(wire: Wire, context: ReadingContext) -> None:
    entry = _outcome(wire("g23/embargoed.xml"), context)

    assert isinstance(entry, Reading)
    assert entry.article.embargo_until == datetime(2025, 1, 23, 18, 0, tzinfo=UTC)


# dpa's field -> the field of the article, for the same text as JSON and as NewsML-G2.
DPA_FIELDS = {
    "urn": "source_id",
    "version": "version",
    "version_created": "version_created",
    "headline": "headline",
    "kicker": "kicker",  # headline of rank 3
    "teaser": "standfirst",  # description drol:teaser
    "byline": "byline",  # by; without one the credit line
    "dateline": "dateline",  # without the dash at its end: `New York (dpa)`
    "embargoed": "embargo_until",
    "urgency": "urgency",
    "language": "language",
    "copyrightnotice": "rights.notice",
    "usageterms": "rights.usage_terms",
    "dpasubject": "topics",  # name, and the qcode as uri
    "geosubject": "entities",  # places: name, and the qcode as uri
    "keyword_names": "keywords",
    "article_html": "body",  # the content of section.main, without the dateline
}


@pytest.mark.parametrize(
    ("path", "kicker", "byline", "dateline", "topics", "places"),
    [
        (
            "g22/with_dateline.xml",
            "Künstliche Intelligenz",
            "Von Andrej Sokolow, dpa",
            "New York (dpa)",
            {"Internet": "dpasubject:377", "Börse": "medtop:20000394"},
            {"USA": "dpacountry:184"},
        ),
        (
            "g23/embargoed.xml",
            "Ausstellung",
            "dpa",
            "Berlin (dpa)",
            {
                "Ausstellungen": "dpasubject:185",
                "Krieg": "medtop:20000062",
                "Konflikte": "dpasubject:114",
                "Kunst": "dpasubject:118",
            },
            {
                "Berlin": "dpaarea:3",
                "Ukraine": "dpacountry:181",
                "Deutschland": "dpacountry:1",
                "Russland": "dpacountry:139",
            },
        ),
    ],
)
def test_the_fields_of_dpa_are_those_of_its_json(
    wire: Wire,
    context: ReadingContext,
    path: str,
    kicker: str,
    byline: str,
    dateline: str,
    topics: dict[str, str],
    places: dict[str, str],
) -> None:
    entry, sent = _outcome(wire(path), context), json.loads(wire(path.replace(".xml", ".json")))
    assert isinstance(entry, Reading)
    article = entry.article

    assert article.source_id == sent["urn"]
    assert (article.version, article.urgency) == (sent["version"], sent["urgency"])
    assert (article.headline, article.standfirst) == (sent["headline"], sent["teaser"])
    assert (article.kicker, article.byline, article.dateline) == (kicker, byline, dateline)
    assert {each.name: each.uri for each in article.topics} == topics
    assert {each.name: each.uri for each in article.entities} == places
    assert article.rights is not None
    assert article.rights.notice == sent["copyrightnotice"]
    assert (article.authors, article.keywords, article.correction_note) == ((), (), None)
    dateline = (
        f'<span class="dateline">{sent["dateline"].partition(" (")[0]} <span class="credit">(dpa)</span> - </span>'
    )
    assert article.body == _inner(sent["article_html"].replace(dateline, ""))


def test_an_article_of_dpa_is_equal_as_json_and_as_newsml_g2(wire: Wire, context: ReadingContext) -> None:
    for path in ("g22/with_dateline.xml", "g23/embargoed.xml"):
        from_xml, from_json = (_outcome(wire(each), context) for each in (path, path.replace(".xml", ".json")))
        assert isinstance(from_xml, Reading)
        assert isinstance(from_json, Reading)
        assert from_xml.article == from_json.article


def _inner(markup: str) -> str:
    return markup.removeprefix('<section class="main">').removesuffix("</section>")


@pytest.mark.parametrize("case", [*FILES, "g22", "g23"])
def test_no_telephone_number_or_address_of_a_desk_is_in_the_article(context: ReadingContext, case: str) -> None:
    files = sorted((INPUTS / case).glob("*")) if (INPUTS / case).is_dir() else []
    if not files:
        pytest.skip(f"the real items of {case} are not on this machine")
    for file in files:
        if file.suffix == ".json":
            continue
        entry = _outcome(file.read_bytes(), context)
        if isinstance(entry, Reading) and case != "g19":  # a press release names the company's own telephone
            assert not TELEPHONE.search(entry.article.model_dump_json()), file.name


def test_mutations_of_the_given_files_are_read_or_refused(context: ReadingContext) -> None:
    raws = [
        file.read_bytes()
        for case in (*FILES, "g22", "g23")
        for file in sorted((INPUTS / case).glob("*"))
        if file.suffix != ".json"
    ]
    if not raws:
        pytest.skip("the real items are not on this machine")

    assert assert_survives(raws, context, count=100, seed=5) < 1


def test_the_table_of_dpa_names_fields_of_an_article() -> None:
    assert {name.partition(".")[0] for name in DPA_FIELDS.values()} <= set(Article.model_fields)
