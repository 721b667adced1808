"""The platform of all processes: settings, Celery, Redis, logs, metrics, retries, receipts, dead letters."""
