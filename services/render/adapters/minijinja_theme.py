"""A theme as a folder: templates for minijinja, and the files in `assets/` that its pages refer to.

All of it is read once, at the start, so a template can reach nothing else on the disk. A folder may build on the one
beside it: `theme.toml` says `inherits = "epn"`, and whatever file the child has stands in for its parent's.
"""

from __future__ import annotations

import hashlib
import html
import tomllib
from importlib.metadata import version
from pathlib import Path

import minijinja

from services.render import domain
from services.render.domain.view import ArticleView, FrontView, RailView, ShellView
from services.render.ports import Asset
from shared.keys import asset_path

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_HASH_CHARS = 12
# Their releases may change how a date is written or a tag escaped, so pages made with another one are other pages.
_ENGINES = ("babel", "minijinja")


class MinijinjaTheme:
    """The theme in a folder. Everything a view says is escaped, but for the body and the JSON-LD."""

    def __init__(self, folder: Path) -> None:
        files = _files(folder)
        self.name = folder.name
        self.version = _version(files)
        by_file = {
            path.removeprefix("assets/"): _asset(folder.name, Path(path), body)
            for path, body in files.items()
            if path.startswith("assets/")
        }
        self.assets: tuple[Asset, ...] = tuple(by_file[name] for name in sorted(by_file))
        # minijinja escapes by the ending of a template's name: nothing but *.html is ever a template.
        templates = {path: body.decode() for path, body in files.items() if path.endswith(".html")}
        self._environment = minijinja.Environment(
            loader=templates.get,
            globals={"asset": lambda file: f"/{asset_path(by_file[file].name)}"},
            undefined_behavior="strict",
            finalizer=_escaped,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def article(self, view: ArticleView) -> bytes:
        """Return the page of one article."""
        return self._render(
            "article.html",
            shell=view.shell,
            article=view,
            body=minijinja.safe(view.body),
            json_ld=minijinja.safe(view.json_ld),
        )

    def home(self, view: FrontView) -> bytes:
        """Return the front page."""
        return self._render("home.html", shell=view.shell, front=view)

    def rail(self, view: RailView) -> bytes:
        """Return the list that article pages take in; empty without cards."""
        return self._render("rail.html", rail=view) if view.cards else b""

    def not_found(self, view: ShellView) -> bytes:
        """Return the page for an address that leads nowhere (404)."""
        return self._render("not_found.html", shell=view)

    def gone(self, view: ShellView) -> bytes:
        """Return the page for an article that was taken down (410)."""
        return self._render("gone.html", shell=view)

    def _render(self, template: str, **context: object) -> bytes:
        page: str = self._environment.render_template(template, **context)
        return page.encode()


def _escaped(value: object) -> object:
    """Return text escaped by Python's rules. The engine's own, which still guard the rest, turn `/` into `&#x2f;`.

    An edge that reads `<esi:include src>` does not undo that, and addresses are to stay readable in the source.
    """
    is_plain_text = isinstance(value, str) and not hasattr(value, "__html__")
    return minijinja.safe(html.escape(str(value))) if is_plain_text else value


def _files(folder: Path) -> dict[str, bytes]:
    """Return a theme's files by path, its parents' first, so that a child's own win."""
    about = folder / "theme.toml"
    parent = tomllib.loads(about.read_text(encoding="utf-8")).get("inherits") if about.exists() else None
    files = _files(folder.parent / parent) if parent else {}
    own = sorted(path for path in folder.rglob("*") if path.suffix == ".html" or path.suffix in _CONTENT_TYPES)
    return files | {path.relative_to(folder).as_posix(): path.read_bytes() for path in own}


def _asset(theme: str, path: Path, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:_HASH_CHARS]
    return Asset(name=f"{theme}-{path.stem}.{digest}{path.suffix}", body=body, content_type=_CONTENT_TYPES[path.suffix])


def _version(files: dict[str, bytes]) -> str:
    """Return a hash of all that shapes a page but its view: the files, our rules, the engines' releases."""
    digest = hashlib.sha256()
    rules = {path.name: path.read_bytes() for folder in domain.__path__ for path in Path(folder).glob("*.py")}
    engines = {name: version(name).encode() for name in _ENGINES}
    for parts in (files, rules, engines):
        for name in sorted(parts):
            digest.update(f"{name}\0{len(parts[name])}\0".encode() + parts[name])
    return digest.hexdigest()[:_HASH_CHARS]
