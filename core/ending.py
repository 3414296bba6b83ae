"""How an answer ended: what the pipeline posts, and what it then writes."""

import msgspec

from .errors import RelayError
from .exchange import Evidence, Outcome
from .usage import Usage


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a committed answer ended, ready to be posted.

    ``end`` is the last bytes for the customer. An ``error`` is written in their place, in the
    customer's dialect. ``first_output_ms`` is when a stream's first output came, since the request did.
    """

    usage: Usage
    outcome: Outcome
    evidence: Evidence
    model_returned: str | None = None
    first_output_ms: int | None = None
    answer_id: str | None = None
    end: bytes = b""
    content_type: str = "application/json"
    """The content type of a whole answer; a stream's has been sent with its head."""
    error: RelayError | None = None
