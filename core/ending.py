"""How an answer ended: what the pipeline posts, and what it still has to write."""

import msgspec

from .errors import RelayError
from .exchange import Evidence, Outcome
from .usage import Usage


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a committed answer ended, ready to be posted.

    ``end`` are the last bytes for the customer; ``error``, where there is one, is written in
    the customer's dialect instead.
    """

    usage: Usage
    outcome: Outcome
    evidence: Evidence
    model_returned: str | None
    answer_id: str | None = None
    end: bytes = b""
    content_type: str = "application/json"
    """Of a whole answer; a stream has told its own with its head."""
    error: RelayError | None = None
