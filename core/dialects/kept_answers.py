"""Endpoints for answers that the upstream keeps: show, delete or cancel one, list its input.

Source: wire/DIALECTS.md 1; openai/openai-python resources/responses, googleapis/python-genai
_gaos/interactions.py, read 2026-11-24.
"""

from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from ..exchange import ChannelRequest, Exchange
from .dialect import DialectRules
from .gemini_interactions import GeminiInteractions
from .openai_responses import OpenAIResponses

_RESPONSES, _INTERACTIONS = OpenAIResponses(), GeminiInteractions()


class KeptAnswerEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One such endpoint.

    Attributes:
        rules: The dialect's main endpoint; the answers are under its path.
        method: The HTTP method.
        action: What follows the answer's id in the path.
        query: Parameters that go upstream; all others are dropped.
        is_removal: Afterwards the upstream no longer keeps the answer.
    """

    rules: DialectRules
    method: str
    action: str = ""
    query: frozenset[str] = frozenset()
    is_removal: bool = False

    @property
    def path(self) -> str:
        """The path of the endpoint, with its version, and ``{id}`` for the answer's id."""
        return f"{self.rules.path}/{{id}}{self.action}"

    def prepare(self, exchange: Exchange, answer_id: str, model_sent: str) -> ChannelRequest:
        """Return the request for the channel that keeps the answer; it has no body."""
        # An SDK writes a list as ``include[]=a``.
        asked = [pair for pair in parse_qsl(exchange.query) if pair[0].partition("[")[0] in self.query]
        return ChannelRequest(
            dialect=self.rules.name,
            operation="kept_answer",
            model=model_sent,
            query=urlencode(asked),
            method=self.method,
            subpath=f"/{quote(answer_id, safe='')}{self.action}",
            fields={},
            headers={},
            stream=False,
        )


KEPT_ANSWER_ENDPOINTS = (
    KeptAnswerEndpoint(
        rules=_RESPONSES,
        method="GET",
        query=frozenset({"include", "include_obfuscation", "starting_after", "stream"}),
    ),
    KeptAnswerEndpoint(rules=_RESPONSES, method="DELETE", is_removal=True),
    KeptAnswerEndpoint(rules=_RESPONSES, method="POST", action="/cancel"),
    KeptAnswerEndpoint(
        rules=_RESPONSES,
        method="GET",
        action="/input_items",
        query=frozenset({"after", "before", "include", "limit", "order"}),
    ),
    KeptAnswerEndpoint(
        rules=_INTERACTIONS, method="GET", query=frozenset({"include_input", "last_event_id", "stream"})
    ),
    KeptAnswerEndpoint(rules=_INTERACTIONS, method="DELETE", is_removal=True),
    KeptAnswerEndpoint(rules=_INTERACTIONS, method="POST", action="/cancel"),
)
"""All that are served."""
