"""The handlers of ingest, for the endpoint (at once) and for the worker (from the inbox)."""

from services.ingest.handler.accept import accept, accept_document
from services.ingest.handler.act import act
from services.ingest.handler.admission import Admission
from services.ingest.handler.assets import StoredAsset, find_asset, store_asset, with_assets
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.fronts import Fronts
from services.ingest.handler.media import store_picture
from services.ingest.handler.states import find_article_state, find_receipt_state
from services.ingest.handler.submissions import read_submissions
from services.ingest.handler.submit import submit, submit_batch
from shared.messaging.handling import Handlers
from shared.messaging.pipeline import SUBMIT_ARTICLES

HANDLERS: Handlers = {SUBMIT_ARTICLES: read_submissions}

__all__ = [
    "HANDLERS",
    "Admission",
    "Fronts",
    "IngestDeps",
    "StoredAsset",
    "accept",
    "accept_document",
    "act",
    "find_article_state",
    "find_asset",
    "find_receipt_state",
    "read_submissions",
    "store_asset",
    "store_picture",
    "submit",
    "submit_batch",
    "with_assets",
]
