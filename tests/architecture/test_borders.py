"""import-linter's contracts hold, and each of them fails when it is broken.

`make check` runs the same contracts as a command. Here the imports are read once; each test adds one to a copy of them.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from grimp import ImportGraph, build_graph
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
configure()
OPTIONS = read_user_options(str(ROOT / "pyproject.toml"))
TYPES: dict[str, type[Contract]] = {
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
}


@pytest.fixture(scope="module")
def imports() -> ImportGraph:
    return build_graph(*OPTIONS.session_options["root_packages"], include_external_packages=True, cache_dir=None)


def broken_contracts(imports: ImportGraph) -> list[str]:
    contracts = [
        TYPES[options["type"]](name=options["name"], session_options=OPTIONS.session_options, contract_options=options)
        for options in OPTIONS.contracts_options
    ]
    return [each.name for each in contracts if not each.check(deepcopy(imports), verbose=False).kept]


def test_the_borders_hold(imports: ImportGraph) -> None:
    assert broken_contracts(imports) == []


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("services.render.handler", "services.publish.settings", "Services never import one another"),
        ("shared.site.keys", "services.desk.settings", "Shared knows no service"),
        ("infra.local.ports", "services.desk.settings", "Infra runs services"),
        ("services.enrich.settings", "services.enrich.handler", "every file has its place"),
        ("services.scheduler.metrics", "services.scheduler.handler", "every file has its place"),
        ("services.ingest.domain.prose", "services.ingest.metrics", "every file has its place"),
        ("services.enrich.helpers", None, "every file has its place"),
        ("services.enrich.handler", "celery", "know no framework"),
        ("services.publish.domain.pages", "boto3", "know no framework"),
        ("services.publish.tasks", "services.publish.adapters.varnish", "Only wiring picks adapters"),
    ],
)
def test_a_broken_border_is_found(imports: ImportGraph, module: str, imported: str | None, contract: str) -> None:
    broken = deepcopy(imports)
    if imported is None:
        broken.add_module(module)
    else:
        assert {module, imported} <= broken.modules
        broken.add_import(importer=module, imported=imported)

    assert any(contract in name for name in broken_contracts(broken))
