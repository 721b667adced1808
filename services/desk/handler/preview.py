"""A preview: a theme sent to the render workers as a zip, and its pages compared with those that are public."""

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

_BREAK = re.compile(rb"(?<=>)(?=<)")  # our pages have long lines
_MAX_LINES = 400  # of a page's differences


@dataclass(frozen=True, slots=True)
class Difference:
    """What a page would be like: the lines of a unified diff, none where it stays as it is to the byte."""

    path: str
    lines: tuple[str, ...]
    size_before: int
    size_after: int


def zipped_theme(folder: Path) -> bytes:
    """Return a theme's folder as a zip, with those that it builds on beside it; its name is the zip's comment."""
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
    """Yield how each page of a preview differs from what readers get now."""
    for key in content.list_keys(keys.preview_bundle_key(preview, "")):
        for page, body in unbundled(content.get(key).body, ArticlePage):
            there = public.find(page.path)
            before = there.body if there else b""
            yield Difference(page.path, tuple(_diff(before, body)), len(before), len(body))


def _diff(before: bytes, after: bytes) -> Iterator[str]:
    if before == after:
        return
    old, new = (_BREAK.sub(b"\n", text).decode(errors="replace").splitlines() for text in (before, after))
    lines = list(difflib.unified_diff(old, new, "public now", "with the theme", lineterm="", n=2))
    yield from lines[:_MAX_LINES] or ["only the breaks between tags differ"]
    if len(lines) > _MAX_LINES:
        yield f"… and {len(lines) - _MAX_LINES} lines more"


def report(site: str, theme: str, found: list[Difference]) -> str:
    """Return a page that shows the differences. It fetches nothing, and nothing of the pages runs in it."""
    changed = [each for each in found if each.lines]
    same = "".join(f"<li>{html.escape(each.path)}\n" for each in found if not each.lines)
    title = f"{len(changed)} of {len(found)} pages of {html.escape(site)} change with {html.escape(theme)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>{_STYLE}<h1>{title}</h1>\n'
        + "".join(map(_section, changed))
        + (f"<h2>As they are, to the byte</h2><ul>{same}</ul>\n" if same else "")
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
    sizes = f"{difference.size_before:,} → {difference.size_after:,} bytes"
    return f"<details><summary>{html.escape(difference.path)} ({sizes})</summary><pre>{rows}</pre></details>\n"


def _row(line: str) -> str:
    tag, text = _TAGS.get(line[:1]), html.escape(line)
    if tag:
        return f"<{tag}>{text}</{tag}>"
    return f'<span class="at">{text}</span>\n' if line.startswith("@@") else f"{text}\n"
