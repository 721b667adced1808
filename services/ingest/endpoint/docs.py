"""The interactive reference of the API: Swagger UI, from files of the package `fastapi-offline`.

The page loads no resource of a third party, so it also works without the Internet.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Response

from services.ingest.endpoint.problems import ProblemError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Pressline API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon.png">
</head>
<body>
<div id="reference"></div>
<noscript><p>The description for machines is <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reference", deepLinking: true, persistAuthorization: false,
  displayRequestDuration: true, validatorUrl: null, defaultModelsExpandDepth: 0, tryItOutEnabled: true
})
"""
_MEDIA_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon.png": "image/png",
}
_MAX_AGE_SECONDS = 3_600

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def get_docs() -> Response:
    """Return the page."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{name}")
def get_docs_file(name: str) -> Response:
    """Return a file of the page."""
    headers = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}", "X-Content-Type-Options": "nosniff"}
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=headers)
    if name not in _MEDIA_TYPES:
        raise ProblemError(404, "there is no such file; /docs is the reference")
    body = (files("fastapi_offline") / "static" / name).read_bytes()
    return Response(body, media_type=_MEDIA_TYPES[name], headers=headers)
