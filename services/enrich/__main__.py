"""Runs an enrich worker: `python -m services.enrich`."""

from services.enrich import wiring
from services.enrich.tasks import app
from shared.celery_app import run_worker

if __name__ == "__main__":
    run_worker(app, "enrich", wiring.settings(), build=wiring.build)
