"""Routes for health, readiness and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.ingest.domain.refusal import Fault
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.problems import documented, problem_response, request_id
from services.ingest.endpoint.replies import json_response
from services.ingest.metrics import CONTENT_TYPE_LATEST, metrics_text

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The state of the process."""

    status: str


class Readiness(Health):
    """The state of the endpoint, and the causes of a delay of publication."""

    warnings: list[str] = Field(
        default_factory=list, description="Causes of a delay of publication, each with the next step."
    )


@router.get(
    "/healthz",
    summary="Is the process up?",
    operation_id="getHealth",
    response_model=None,
    responses={200: {"model": Health}, **documented()},
)
async def get_health() -> Response:
    """Answer without a call to another system."""
    return json_response(200, Health(status="ok"))


@router.get(
    "/readyz",
    summary="Can the endpoint accept articles?",
    operation_id="getReadiness",
    response_model=None,
    responses={200: {"model": Readiness}, **documented(503)},
)
async def get_readiness(request: Request) -> Response:
    """Check the store, the clock and the queues; a 503 names the faults.

    If Redis is down or refuses writes, publication is only delayed: the answer is 200, and `warnings` names the cause.
    """
    deps = deps_of(request)
    found = await threads_of(request).run(deps.ready)
    if found:
        faults = [Fault("", each) for each in found]
        wait = {"Retry-After": str(deps.retry_after_seconds)}
        return problem_response(503, "; ".join(found), faults=faults, instance=request_id(request), headers=wait)
    if warnings := await threads_of(request).run(deps.delays):
        return json_response(200, Readiness(status="ready", warnings=warnings))
    return json_response(200, Health(status="ready"))


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    operation_id="getMetrics",
    response_model=None,
    responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}, **documented()},
)
async def get_metrics(request: Request) -> Response:
    """Return the metrics of this process."""
    return Response(await threads_of(request).run(metrics_text), media_type=CONTENT_TYPE_LATEST)
