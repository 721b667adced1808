"""A preview: sends a theme to the render workers as a zip, and compares its pages with the public ones."""

from __future__ import annotations

import difflib
import html
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from shared.messaging.page_bundle import ArticlePage, unbundled
from shared.site import keys
from shared.storage import ObjectStorage

_TAG_BOUNDARY = re.compile(rb"(?<=>)(?=<)")  # pages have long lines
_MAX_DIFF_LINES = 400  # per page


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes of one page: lines of a unified diff (none if the bytes are the same), sizes in bytes."""

    path: str
    lines: tuple[str, ...]
    size_before_bytes: int
    size_after_bytes: int


def zipped_theme(folder: Path) -> bytes:
    """Return a theme's folder and the themes that it inherits, as a zip; the zip's comment names the theme."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for each in _with_parents(folder.resolve()):
            for file in sorted(path for path in each.rglob("*") if path.is_file()):
                archive.write(file, file.relative_to(each.parent))
        archive.comment = folder.resolve().name.encode()
    return out.getvalue()


def _with_parents(folder: Path) -> Iterator[Path]:
    yield folder
    about = folder / "theme.toml"
    parent = tomllib.loads(about.read_text(encoding="utf-8")).get("inherits") if about.exists() else None
    if parent:
        yield from _with_parents(folder.parent / parent)


def differences(content: ObjectStorage, public: ObjectStorage, preview: str) -> Iterator[Difference]:
    """Yield the difference between each page of a preview and the public page."""
    for key in content.list_keys(keys.preview_bundle_key(preview, "")):
        for page, body in unbundled(content.get(key).body, ArticlePage):
            public_page = public.find(page.path)
            before = public_page.body if public_page else b""
            yield Difference(page.path, tuple(_diff(before, body)), len(before), len(body))


def _diff(before: bytes, after: bytes) -> Iterator[str]:
    if before == after:
        return
    old, new = (_TAG_BOUNDARY.sub(b"\n", text).decode(errors="replace").splitlines() for text in (before, after))
    lines = list(difflib.unified_diff(old, new, "public now", "with the theme", lineterm="", n=2))
    yield from lines[:_MAX_DIFF_LINES] or ["only line breaks between tags differ"]
    if len(lines) > _MAX_DIFF_LINES:
        yield f"… and {len(lines) - _MAX_DIFF_LINES} more lines"


def report(site: str, theme: str, found: list[Difference]) -> str:
    """Return an HTML page of the differences. It loads no resources and runs no scripts."""
    changed = [each for each in found if each.lines]
    same = "".join(f"<li>{html.escape(each.path)}\n" for each in found if not each.lines)
    title = f"{len(changed)} of {len(found)} pages of {html.escape(site)} change with {html.escape(theme)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>{_STYLE}<h1>{title}</h1>\n'
        + "".join(map(_section, changed))
        + (f"<h2>Unchanged</h2><ul>{same}</ul>\n" if same else "")
        + "</html>\n"
    )


_STYLE = """<style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}
pre{overflow:auto;padding:.75rem;border:1px solid #8886;font-size:13px;line-height:1.4}
summary{cursor:pointer;overflow-wrap:anywhere}ins,del{display:block;text-decoration:none}
ins{background:#2a84}del{background:#c334}.at{opacity:.6}
</style>"""
_TAGS = {"+": "ins", "-": "del"}


def _section(difference: Difference) -> str:
    rows = "".join(_row(line) for line in difference.lines)
    sizes = f"{difference.size_before_bytes:,} → {difference.size_after_bytes:,} bytes"
    return f"<details><summary>{html.escape(difference.path)} ({sizes})</summary><pre>{rows}</pre></details>\n"


def _row(line: str) -> str:
    tag, text = _TAGS.get(line[:1]), html.escape(line)
    if tag:
        return f"<{tag}>{text}</{tag}>"
    return f'<span class="at">{text}</span>\n' if line.startswith("@@") else f"{text}\n"
