"""Runs a publish worker: `python -m services.publish`."""

from services.publish import wiring
from services.publish.tasks import app
from shared.celery_app import run_worker

if __name__ == "__main__":
    wiring.require_edge()
    run_worker(app, "publish", wiring.settings(), build=wiring.build)
