"""The guides as the tests read them: their blocks, the commands in these, and the code spans and links of the prose.

A block marked `sh` holds commands. Every other block holds output, data or a drawing.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[1]
GUIDES = tuple(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/*.md", "infra/runbooks/*.md")
    for path in sorted(ROOT.glob(pattern))
)
COMMANDS = "sh"
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL
)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `line` is that of its first fence."""

    guide: str
    line: int
    language: str
    body: str

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the shell's commands, each with its continued lines, quotes and here-documents."""
        return tuple(_commands_of(self.body))


def text_of(guide: str) -> str:
    """Return a guide's Markdown."""
    return (ROOT / guide).read_text(encoding="utf-8")


def blocks_of(guide: str) -> list[Block]:
    """Return a guide's fenced blocks in their order."""
    text = text_of(guide)
    return [
        Block(guide, text.count("\n", 0, found.start()) + 1, found["language"], dedent(found["body"]))
        for found in _BLOCK.finditer(text)
    ]


def command_blocks_of(guide: str) -> list[Block]:
    """Return the blocks whose commands are run."""
    return [block for block in blocks_of(guide) if block.language == COMMANDS]


def prose_of(guide: str) -> str:
    """Return a guide's Markdown without its blocks."""
    return _BLOCK.sub("", text_of(guide))


def spans_of(guide: str) -> list[str]:
    """Return the code spans of the prose."""
    return _SPAN.findall(prose_of(guide))


def links_of(guide: str) -> list[str]:
    """Return the targets of the prose's links."""
    return _LINK.findall(_SPAN.sub("", prose_of(guide)))


def anchors_of(guide: str) -> set[str]:
    """Return the anchors of a guide's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(guide), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", each.lower()).strip().replace(" ", "-") for each in headings}


def sentences_of(guide: str) -> list[str]:
    """Return the sentences of the prose; a heading, an item, a cell of a table or a blank line ends one too."""
    parts = re.split(r"\n\s*\n|^\s*(?:[*-]|#+|\d+\.)\s|(?<!\\)\||\n(?=\s*\|)", prose_of(guide), flags=re.MULTILINE)
    return [each.strip() for part in parts for each in re.split(r"(?<=[.!?])[*`)\"]*\s+", part) if each.strip()]


def words_of(sentence: str) -> list[str]:
    """Return the words of a sentence; a code span is one word."""
    return [word for each in _SPAN.sub("code", sentence).split() if (word := each.strip("*`.,:;()|[]"))]


def _commands_of(body: str) -> Iterator[str]:
    pending: list[str] = []
    for line in body.splitlines():
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        pending.append(line)
        if _is_complete("\n".join(pending)):
            yield "\n".join(pending)
            pending = []
    if pending:
        yield "\n".join(pending)


def _is_complete(text: str) -> bool:
    """Tell whether the shell would wait for no further line; an open here-document is a warning only."""
    if text.endswith("\\"):
        return False
    checked = subprocess.run(["bash", "-n"], input=f"{text}\n", capture_output=True, text=True, check=False)
    return checked.returncode == 0 and not checked.stderr


def words_of_command(command: str) -> list[list[str]]:
    """Return the words of each simple command in a shell command, so far as spaces and quotes tell them."""
    lexer = shlex.shlex(command.partition("<<")[0], posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = list(lexer)
    ends = [-1, *(at for at, word in enumerate(words) if set(word) <= set("();|&")), len(words)]
    simple = [words[first + 1 : last] for first, last in pairwise(ends)]
    return [_without_redirections(each) for each in simple if each]


def _without_redirections(words: list[str]) -> list[str]:
    kept, skips = [], False
    for word in words:
        if skips:
            skips = False
        elif set(word) <= set("<>&"):
            skips = True
        else:
            kept.append(word)
    return kept
