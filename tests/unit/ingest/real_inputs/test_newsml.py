"""The given NewsML 1.2 files of three agencies; skipped where the inputs are absent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.ingest.adapters.readers import read_document
from services.ingest.ports import Reading, ReadingContext
from tests.unit.ingest.conftest import INPUTS
from tests.unit.ingest.fuzzing import assert_survives

Wire = Callable[[str], bytes]
FILES = ("g02/NewsML-businesswire-newsml-20130605006126.xml", "g24/afp.xml", "g25/belga_newsml_1_2.xml")


def _read(raw: bytes, context: ReadingContext) -> Reading:
    (entry,) = read_document(raw, None, context)
    assert isinstance(entry, Reading)
    return entry


@pytest.mark.parametrize(
    ("path", "source_id", "headline", "version", "language"),
    [
        (FILES[0], "urn:newsml:businesswire.com:20010714:20130605006126", "Cambrios被Gartner", 1, "zh"),
        (FILES[1], "urn:newsml:afp.com:20140829T135002Z:TX-PAR-FXW86", "Sweden court accepts", 1, "en"),
        (FILES[2], "urn:newsml:belga.be:98055798", "Mediawatch dinsdag", 4, "nl"),
    ],
)
def test_the_given_text_becomes_an_article(
    wire: Wire, context: ReadingContext, path: str, source_id: str, headline: str, version: int, language: str
) -> None:
    article = _read(wire(path), context).article

    assert article.source_id == source_id
    assert article.headline.startswith(headline)
    assert (article.version, article.language) == (version, language)
    assert article.body.startswith("<p>")


def test_no_contact_of_a_press_release_is_in_the_article(wire: Wire, context: ReadingContext) -> None:
    article = _read(wire(FILES[0]), context).article.model_dump_json()

    assert "397" not in article
    assert "stearnsjohnson" not in article


@pytest.mark.parametrize("version", ["1.4", "2.1", "3.0"])
def test_the_same_text_in_ninjs_has_equal_facts(wire: Wire, context: ReadingContext, version: str) -> None:
    """The given ninjs items have another id and the first paragraph only, and no lines of rights, place and slug."""
    newsml = _read(wire(FILES[0]), context).article
    ninjs = _read(wire(f"g02/{version}-businesswire-newsml-20130605006126.json"), context).article
    other = {"source_id", "body", "dateline", "keywords", "rights", "first_created"}

    assert newsml.model_dump(exclude=other) == ninjs.model_dump(exclude=other)


def test_mutations_of_the_given_files_are_read_or_refused(context: ReadingContext) -> None:
    raws = [(INPUTS / path).read_bytes() for path in FILES if (INPUTS / path).is_file()]
    if not raws:
        pytest.skip("the real items are not on this machine")

    assert assert_survives(raws, context, count=100, seed=9) < 1
