"""One handler behind both doors: what the endpoint takes at once, and what the worker reads later."""

from services.ingest.handler.accept import accept
from services.ingest.handler.act import act
from services.ingest.handler.admission import Admission
from services.ingest.handler.fronts import Fronts
from services.ingest.handler.intake import Intake
from services.ingest.handler.media import keep_picture
from services.ingest.handler.states import find_article_state, find_receipt_state
from services.ingest.handler.submit import handle, submit

__all__ = [
    "Admission",
    "Fronts",
    "Intake",
    "accept",
    "act",
    "find_article_state",
    "find_receipt_state",
    "handle",
    "keep_picture",
    "submit",
]
