"""No modules import each other, directly or through others: in `shared`, `infra` and each service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if (folder / "__init__.py").exists())


def find_cycle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of one import cycle, or an empty list; `imports`: the imports of each module."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Return the imports of the whole project, those for type checkers included."""
    return grimp.build_graph("services", "shared", "infra", cache_dir=None)


def imports_inside(package: str, graph: grimp.ImportGraph) -> dict[str, set[str]]:
    def inside() -> Iterator[str]:
        return (name for name in graph.modules if name == package or name.startswith(f"{package}."))

    return {name: graph.find_modules_directly_imported_by(name) & {*inside()} for name in inside()}


@pytest.mark.parametrize("package", ["shared", "infra", *(f"services.{name}" for name in SERVICES)])
def test_there_is_no_import_cycle(graph: grimp.ImportGraph, package: str) -> None:
    imports = imports_inside(package, graph)

    assert any(imports.values())
    assert find_cycle(imports) == []


def test_an_import_cycle_is_found() -> None:
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})) == {"a", "b", "c"}
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
