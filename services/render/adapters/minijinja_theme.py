"""A theme as a folder: templates for minijinja, and the files in `assets/` that its pages refer to.

The folder is read once, at the start, so that a template cannot read other files. A folder may inherit from the folder
beside it: `theme.toml` contains `inherits = "epn"`. Each file of the child replaces the parent's file of the same name;
the child still reaches the parent's template as `epn/front.html`. See README.md beside the themes.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import minijinja

from services.render import domain
from services.render.domain.machine_readable import Icon
from services.render.domain.view import ArticleView, CardsView, DaysView, FrontView, RailView, ShellView
from services.render.ports import Asset
from shared.site.keys import asset_path

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_ICONS = (
    ("icon.svg", "any", "any"),
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable.png", "512x512", "maskable"),
)
_THEME_COLOR = re.compile(rb"--paper:\s*([^;]+?)\s*;")
_HASH_CHARS = 12
# The engine escapes slashes too, without need: an edge that reads `<esi:include src>` does not decode them, and
# addresses must stay readable. Ampersands in the input are escaped, so this text can only be an escaped slash.
_ESCAPED_SLASH = "&#x2f;"
_MAX_CACHED_PARTS = 512  # languages times sections, twice
_SHEET = "assets/page.css"
# One style sheet, one request: the tokens first, a child's own rules last.
_TOKENS = "assets/tokens.css"
_SHEET_PARTS = (_TOKENS, _SHEET, "assets/own.css")
# A release of these may change the form of a date or the escaping of a tag, so it is part of the page version.
_ENGINES = ("babel", "minijinja")


class MinijinjaTheme:
    """The theme in a folder. All values of a view are escaped, except for the body and the JSON-LD."""

    def __init__(self, folder: Path) -> None:
        files = _files(folder)
        self.name = folder.name
        self.version = _version(files)
        theme_color = _THEME_COLOR.search(files.get(_TOKENS, b""))
        self.theme_color = theme_color[1].decode() if theme_color else None
        self._by_file = by_file = {
            path.removeprefix("assets/"): _asset(folder.name, Path(path), body)
            for path, body in _with_one_sheet(files).items()
            if path.startswith("assets/")
        }
        self.assets: tuple[Asset, ...] = tuple(by_file[name] for name in sorted(by_file))
        # minijinja decides by the template's file ending whether to escape: only *.html files are templates.
        templates = {path: body.decode() for path, body in files.items() if path.endswith(".html")}
        self._parts: dict[tuple[str, ShellView], str] = {}
        self._environment = minijinja.Environment(
            loader=templates.get,
            globals={"asset": lambda file: f"/{asset_path(by_file[file].name)}", "part": self._part},
            undefined_behavior="strict",
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def icons(self) -> tuple[Icon, ...]:
        """Return the icons for browsers that install the site."""
        found = ((self._by_file[file], sizes, purpose) for file, sizes, purpose in _ICONS if file in self._by_file)
        return tuple(Icon(f"/{asset_path(icon.name)}", sizes, icon.content_type, use) for icon, sizes, use in found)

    def article(self, view: ArticleView) -> bytes:
        """Return the page of one article."""
        return self._render("article.html", view.shell, article=view, body=minijinja.safe(view.body))

    def front(self, view: FrontView) -> bytes:
        """Return the front page, or a section's."""
        return self._render("front.html", view.shell, front=view)

    def cards(self, view: CardsView) -> bytes:
        """Return the page of a topic, an author or a day."""
        return self._render("cards.html", view.shell, list=view)

    def days(self, view: DaysView) -> bytes:
        """Return the archive's page of months, or a month's page of days."""
        return self._render("days.html", view.shell, list=view)

    def rail(self, view: RailView) -> bytes:
        """Return the list that pages include; empty without cards."""
        return self._render("rail.html", None, rail=view) if view.cards else b""

    def search(self, view: ShellView) -> bytes:
        """Return the search page."""
        return self._render("search.html", view)

    def not_found(self, view: ShellView) -> bytes:
        """Return the page for an unknown address (404)."""
        return self._render("not_found.html", view)

    def gone(self, view: ShellView) -> bytes:
        """Return the page for an article that was taken down (410)."""
        return self._render("gone.html", view)

    def _part(self, template: str, shell: ShellView) -> str:
        """Return a part of the page that depends only on the shell without its head; it is cached for all pages."""
        cached = self._parts.get((template, shell))
        if cached is None:
            if len(self._parts) >= _MAX_CACHED_PARTS:
                self._parts.clear()
            cached = self._parts[template, shell] = minijinja.safe(
                self._environment.render_template(template, shell=shell)
            )
        return cached

    def _render(self, template: str, shell: ShellView | None, **context: object) -> bytes:
        json_ld = tuple(map(minijinja.safe, shell.head.json_ld)) if shell else ()
        page: str = self._environment.render_template(template, shell=shell, json_ld=json_ld, **context)
        return page.replace(_ESCAPED_SLASH, "/").encode()


def _files(folder: Path) -> dict[str, bytes]:
    """Return a theme's files by path: the child's files replace its parent's; the parent's templates stay by name."""
    about = folder / "theme.toml"
    parent = tomllib.loads(about.read_text(encoding="utf-8")).get("inherits") if about.exists() else None
    files = _files(folder.parent / parent) if parent else {}
    files |= {f"{parent}/{path}": body for path, body in files.items() if path.endswith(".html")}
    own = sorted(path for path in folder.rglob("*") if path.suffix == ".html" or path.suffix in _CONTENT_TYPES)
    return files | {path.relative_to(folder).as_posix(): path.read_bytes() for path in own}


def _with_one_sheet(files: dict[str, bytes]) -> dict[str, bytes]:
    sheet = b"\n".join(files[part] for part in _SHEET_PARTS if part in files)
    return {path: body for path, body in files.items() if path not in _SHEET_PARTS} | {_SHEET: sheet}


def _asset(theme: str, path: Path, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:_HASH_CHARS]
    return Asset(name=f"{theme}-{path.stem}.{digest}{path.suffix}", body=body, content_type=_CONTENT_TYPES[path.suffix])


def _version(files: dict[str, bytes]) -> str:
    """Return a hash of all inputs of a page but its view: the files, our rules, the engines' releases."""
    digest = hashlib.sha256()
    rules = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for folder in domain.__path__
        for path in Path(folder).rglob("*.py")
    }
    engines = {name: version(name).encode() for name in _ENGINES}
    for parts in (files, rules, engines):
        for name in sorted(parts):
            digest.update(f"{name}\0{len(parts[name])}\0".encode() + parts[name])
    return digest.hexdigest()[:_HASH_CHARS]
