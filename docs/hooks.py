"""MkDocs hooks: the site also holds the Markdown files outside `docs/` that the guides link to.

In the repository a link is relative to its file. In the site the files of `docs/` are one folder higher, so each link
is rewritten. A link to a file that is no page of the site becomes plain text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
GUIDES = "docs/"
OUTSIDE = (
    "CONTRIBUTING.md",
    "GLOSSARY.md",
    "infra/decisions/*.md",
    "infra/edge/README.md",
    "infra/runbooks/*.md",
    "tests/functional/README.md",
)
_LINK = re.compile(r"\[(?P<label>[^\]]*)\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in `docs/`."""
    for path in sorted(path for pattern in OUTSIDE for path in ROOT.glob(pattern)):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page with the links of the site instead of those of the repository."""
    uri = page.file.src_uri
    path = uri if page.file.generated_by else f"{GUIDES}{uri}"

    def link_of_the_site(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link["target"])).removeprefix(GUIDES)
        if target not in files.src_uris:
            return link["label"]
        there = posixpath.relpath(target, posixpath.dirname(uri) or ".")
        return f"[{link['label']}]({there}{link['anchor'] or ''})"

    return _LINK.sub(link_of_the_site, markdown)
