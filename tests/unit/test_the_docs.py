"""Every command, option, target, setting, path and link that the guides print exists; every sentence is short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer
from fastapi.routing import APIRoute

from services.desk.__main__ import app
from services.ingest.adapters.readers import FORMATS
from services.ingest.endpoint import actions, articles, batches, events, fronts, media, receipts, websub, why
from services.ingest.endpoint.formats_page import formats_page
from tests.docs import (
    COMMANDS,
    GUIDES,
    ROOT,
    anchors_of,
    blocks_of,
    command_blocks_of,
    links_of,
    prose_of,
    sentences_of,
    spans_of,
    text_of,
    words_of,
    words_of_command,
)

LANGUAGES = {COMMANDS, "text", "toml", "json", "xml"}
MAX_WORDS_PER_SENTENCE = 25
FOLDERS = ("services/", "shared/", "infra/", "tests/", "docs/", "requirements/", ".ci/")
FUTURE = ("services/webhooks/", "services/enrich/adapters")  # a contributor makes them, as CONTRIBUTING.md says
TEMPLATES = ROOT / "services" / "render" / "themes" / "epn"

every_guide = pytest.mark.parametrize("guide", GUIDES)


@cache
def the_command_line() -> Any:
    return typer.main.get_command(app)


def fault_of(words: list[str]) -> str | None:
    """Return the reason for which the command line would not take these words, or None."""
    command = the_command_line()
    options: dict[str, Any] = {"--help": None}
    arguments = 0
    left = iter(words)
    for word in left:
        commands = getattr(command, "commands", {})
        options |= {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            if name not in options:
                return f"{command.name} has no option {name}"
            if not value and not getattr(options[name], "is_flag", True):
                next(left, None)  # its value
        elif word in commands:
            command = commands[word]
        elif commands:
            return f"{command.name} has no command {word}"
        else:
            arguments += 1
    if arguments and not any(each.param_type_name == "argument" for each in command.params):
        return f"{command.name} takes no argument"
    return None


def printed_commands(guide: str) -> Iterator[list[str]]:
    """Yield the words of each command in the blocks and in the code spans."""
    for block in command_blocks_of(guide):
        for command in block.commands:
            yield from words_of_command(command)
    for span in spans_of(guide):
        if re.match(r"(?:pressline|make|docker compose) \S", span):
            yield from words_of_command(span.replace("…", "x"))


def printed_paths(guide: str) -> Iterator[str]:
    for span in spans_of(guide):
        if span.startswith(FOLDERS) and not span.startswith(FUTURE) and " " not in span:
            yield span.partition("::")[0]
        elif re.fullmatch(r"[A-Z]+\.md|Makefile|docker-compose\.yml|pyproject\.toml|\.env\.example|mkdocs\.yml", span):
            yield span


@every_guide
def test_every_block_says_whether_it_holds_commands(guide: str) -> None:
    assert {block.language for block in blocks_of(guide)} <= LANGUAGES
    assert text_of(guide).count("```") == 2 * len(blocks_of(guide))


@every_guide
def test_a_block_of_output_holds_no_command(guide: str) -> None:
    others = [block for block in blocks_of(guide) if block.language != COMMANDS]

    assert [each for each in others if re.search(r"^\s*(\$ |pressline |curl |make )", each.body, re.MULTILINE)] == []


@every_guide
def test_every_pressline_command_and_option_exists(guide: str) -> None:
    faults = [(words, fault_of(words[1:])) for words in printed_commands(guide) if words[:1] == ["pressline"]]
    faults += [
        (words, fault_of(words[words.index("pressline") + 1 :]))
        for words in printed_commands(guide)
        if words[:2] == ["docker", "compose"] and "pressline" in words
    ]

    assert [each for each in faults if each[1]] == []


@every_guide
def test_every_make_target_exists(guide: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {words[1] for words in printed_commands(guide) if words[:1] == ["make"] and len(words) > 1}

    assert named - targets == set()


@every_guide
def test_every_path_in_a_code_span_exists(guide: str) -> None:
    missing = [
        path for path in printed_paths(guide) if not any(ROOT.glob(path.rstrip("/"))) and not (ROOT / path).exists()
    ]

    assert missing == []


@every_guide
def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(guide: str) -> None:
    wrong = []
    for link in links_of(guide):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / guide).parent / path if path else ROOT / guide
        if not target.exists() or (anchor and anchor not in anchors_of(target.resolve().relative_to(ROOT).as_posix())):
            wrong.append(link)

    assert wrong == []


@every_guide
def test_every_setting_and_metric_that_is_named_exists(guide: str) -> None:
    settings = set(re.findall(r"PRESSLINE_[A-Z0-9_]+[A-Z0-9]", (ROOT / ".env.example").read_text(encoding="utf-8")))
    sources = "".join(
        path.read_text(encoding="utf-8") for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")
    )

    assert set(re.findall(r"PRESSLINE_[A-Z0-9_]+[A-Z0-9]", text_of(guide))) - settings == set()
    metrics = {each.removesuffix("_total") for each in re.findall(r"\bpressline_[a-z_]+", text_of(guide))}
    assert {each for each in metrics if f'"{each}"' not in sources} == set()


def test_every_request_that_is_named_exists() -> None:
    requests = {
        (method, re.sub(r"\{\w+\}", "*", route.path))
        for module in (actions, articles, batches, events, fronts, media, receipts, websub, why)
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    named = {
        (method, re.sub(r"\{\w+\}", "*", path))
        for guide in GUIDES
        for method, path in re.findall(r"\b(GET|POST|PUT|DELETE) (/v1/[\w/{}]+)", text_of(guide))
    }

    assert named
    assert named - requests == set()


def test_every_template_of_the_themes_guide_exists() -> None:
    templates = {span for span in spans_of("docs/themes.md") if re.fullmatch(r"[a-z_]+\.html", span)}

    assert templates
    assert {each for each in templates if not (TEMPLATES / each).exists()} == set()


@every_guide
def test_a_sentence_has_at_most_twenty_five_words(guide: str) -> None:
    long = [each for each in sentences_of(guide) if len(words_of(each)) > MAX_WORDS_PER_SENTENCE]

    assert long == []


@every_guide
def test_a_noun_is_not_replaced_by_a_clause(guide: str) -> None:
    clauses = re.findall(
        r"[^.\n]*\b(?:whoever|whatever|whichever|(?:of|for|with|than|from|to|by|about|until) (?:what|who))\b[^.\n]*",
        prose_of(guide),
        re.IGNORECASE,
    )

    assert clauses == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("pressline status ARTICLE", None),
        ("pressline dead-letters replay --service render --since 1h", None),
        ("pressline kill ARTICLE --because x", "kill has no option --because"),
        ("pressline resurrect ARTICLE", "pressline has no command resurrect"),
        ("pressline tokens mint", "tokens has no command mint"),
        ("pressline verify ARTICLE", "verify takes no argument"),
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str, fault: str | None) -> None:
    assert fault_of(command.split()[1:]) == fault


def test_the_page_of_the_formats_is_current() -> None:
    written = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")

    assert written == formats_page(FORMATS), "run: python -m services.ingest formats > docs/formats.md"
