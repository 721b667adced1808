"""The API's documentation page, made from its OpenAPI description; the page loads no other resources."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 20%,transparent)}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem}
h1{margin-bottom:0}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1.5rem;overflow-wrap:anywhere}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{overflow-x:auto;padding:1rem;border:1px solid var(--line)}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line)}
summary{cursor:pointer}.method{font-weight:700;text-transform:uppercase}
"""
_AUTHORIZED = ' \\\n  -H "Authorization: Bearer $TOKEN"'
_WITH_REASON = ' \\\n  --data \'{{"why": "…"}}\''
_CURL = {
    "postArticle": "curl -sS {base}/v1/articles" + _AUTHORIZED + ' \\\n  -H "Content-Type: application/json" '
    '-H "Prefer: wait=10" \\\n  --data-binary @article.json',
    "postBatch": "curl -sS --no-buffer {base}/v1/batches" + _AUTHORIZED + " \\\n  -X POST "
    '-H "Content-Type: application/x-ndjson" -T articles.ndjson',
    "putFront": "curl -sS -X PUT {base}/v1/fronts/home" + _AUTHORIZED + " \\\n  --data "
    """'{{"articles": ["ARTICLE"], "until": "2026-11-26T06:00:00Z"}}'""",
    "postMedia": "curl -sS {base}/v1/media" + _AUTHORIZED + ' \\\n  -H "Content-Type: image/jpeg" '
    "--data-binary @picture.jpg",
    "killArticle": "curl -sS -X POST {base}/v1/articles/ARTICLE/kill" + _AUTHORIZED + _WITH_REASON,
    "withdrawArticle": "curl -sS -X POST {base}/v1/articles/ARTICLE/withdraw" + _AUTHORIZED,
    "restoreArticle": "curl -sS -X POST {base}/v1/articles/ARTICLE/restore" + _AUTHORIZED,
    "getReceipt": "curl -sS {base}/v1/receipts/RECEIPT" + _AUTHORIZED,
    "getArticle": "curl -sS {base}/v1/articles/ARTICLE" + _AUTHORIZED,
}


def docs_page(described: Mapping[str, Any], base_url: str) -> str:
    """Return the page; `base_url` is the endpoint's address in its examples."""
    info = described["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{_text(info['title'])}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{_text(info['title'])}</h1>",
        *(f"<p>{_inline(block)}</p>" for block in info["description"].strip().split("\n\n")),
        '<p>For machines: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>',
    ]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            parts.extend(_operation(path, method, operation, base_url))
    parts.append("<h2>Schemas</h2>")
    for name, schema in described["components"]["schemas"].items():
        parts.extend(_schema(name, schema))
    parts.append("</main></body></html>")
    return "".join(parts)


def _operation(path: str, method: str, operation: Mapping[str, Any], base_url: str) -> Iterator[str]:
    yield f'<h2 id="{_text(operation["operationId"])}"><span class="method">{_text(method)}</span> '
    yield f"<code>{_text(path)}</code></h2><p><strong>{_text(operation['summary'])}.</strong> "
    yield f"{_inline(operation.get('description', ''))}</p>"
    if curl := _CURL.get(operation["operationId"]):
        yield f"<pre>{_text(curl.format(base=base_url))}</pre>"
    if parameters := operation.get("parameters"):
        rows = ((each["name"], each["in"], each.get("description", "")) for each in parameters)
        yield from _table(("parameter", "in", "meaning"), rows)
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        for example in body.get("examples", {}).values():
            value = example["value"]
            shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            yield f"<details><summary>{_text(example['summary'])} as <code>{_text(kind)}</code></summary>"
            yield f"<pre>{_text(shown)}</pre></details>"
    answers = ((status, answer["description"]) for status, answer in sorted(operation["responses"].items()))
    yield from _table(("answer", "when"), answers)


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    yield f'<details id="form-{_text(name)}"><summary><code>{_text(name)}</code></summary>'
    yield f"<p>{_inline(schema.get('description', ''))}</p>"
    rows = (
        (field + (" (required)" if field in required else ""), _type_name(of), of.get("description", ""))
        for field, of in schema.get("properties", {}).items()
    )
    yield from _table(("field", "type", "meaning"), rows)
    yield "</details>"


def _type_name(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if options := schema.get("anyOf"):
        return " or ".join(_type_name(option) for option in options)
    if "const" in schema or "enum" in schema:
        return ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type_name(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "<table><thead><tr>" + "".join(f"<th>{_text(cell)}</th>" for cell in head) + "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"


def _inline(text: str) -> str:
    """Return text as HTML, with its `code` in code elements."""
    parts = text.split("`")
    return "".join(f"<code>{_text(part)}</code>" if index % 2 else _text(part) for index, part in enumerate(parts))


def _text(text: str) -> str:
    return html.escape(text, quote=True)
