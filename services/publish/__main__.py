"""Runs a publish worker: `python -m services.publish`; `run-step STEP` runs one step by hand."""

import sys

from services.publish import wiring
from services.publish.tasks import app
from shared.runtime.celery_app import run_worker
from shared.runtime.step_events import RUN_STEP

if __name__ == "__main__":
    if sys.argv[1:2] == [RUN_STEP]:
        sys.exit(wiring.step_runner().main(sys.argv[2:]))
    wiring.require_edge()
    run_worker(app, "publish", wiring.settings(), build=wiring.build)
