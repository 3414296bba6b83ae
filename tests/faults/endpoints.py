"""Every endpoint that takes a JSON body, with the smallest request it accepts and the shape of its errors."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx

Shape = Literal["openai", "anthropic", "gemini"]
HI = [{"role": "user", "content": "hi"}]
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
ANTHROPIC = {"anthropic-version": "2023-06-01"}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. ``{model}`` stands in the path or in the body, wherever its dialect names it."""

    path: str
    fields: dict[str, Any]
    shape: Shape = "openai"
    is_counting: bool = False

    def path_of(self, model: str) -> str:
        """Return the path that asks for *model*."""
        return self.path.replace("{model}", model)

    def body(self, model: str) -> dict[str, Any]:
        """Return the body that asks for *model*."""
        return self.fields if "{model}" in self.path else {"model": model, **self.fields}

    @property
    def headers(self) -> dict[str, str]:
        """What tells its clients from others."""
        return ANTHROPIC if self.shape == "anthropic" else {}


ENDPOINTS = (
    Endpoint("/v1/chat/completions", {"messages": HI}),
    Endpoint("/v1/responses", {"input": "hi"}),
    Endpoint("/v1/responses/input_tokens", {"input": "hi"}, is_counting=True),
    Endpoint("/v1/responses/compact", {"input": "hi"}),
    Endpoint("/v1/completions", {"prompt": "hi"}),
    Endpoint("/v1/embeddings", {"input": "hi"}),
    Endpoint("/v1/images/generations", {"prompt": "hi"}),
    Endpoint("/v1/moderations", {"input": "hi"}),
    Endpoint("/v1/rerank", {"query": "hi", "documents": ["a"]}),
    Endpoint("/v2/rerank", {"query": "hi", "documents": ["a"]}),
    Endpoint("/v1/messages", {"max_tokens": 9, "messages": HI}, "anthropic"),
    Endpoint("/v1/messages/count_tokens", {"messages": HI}, "anthropic", is_counting=True),
    Endpoint("/v1beta/models/{model}:generateContent", {"contents": CONTENTS}, "gemini"),
    Endpoint("/v1beta/models/{model}:streamGenerateContent", {"contents": CONTENTS}, "gemini"),
    Endpoint("/v1beta/models/{model}:countTokens", {"contents": CONTENTS}, "gemini", is_counting=True),
    Endpoint("/v1beta/models/{model}:embedContent", {"content": {"parts": [{"text": "hi"}]}}, "gemini"),
    Endpoint(
        "/v1beta/models/{model}:batchEmbedContents",
        {"requests": [{"model": "models/m", "content": {"parts": [{"text": "hi"}]}}]},
        "gemini",
    ),
    Endpoint("/v1beta/interactions", {"input": "hi"}, "gemini"),
)
FORMS_AND_SESSIONS = {"/v1/images/edits", "/v1/realtime"}
"""Endpoints that take no JSON body, and those of sound; they have tests of their own."""

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "INVALID_ARGUMENT",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_MONEY = ("insufficient_user_quota", "pre_consume_token_quota_failed", "api_key_exhausted")


def told(answer: httpx.Response, shape: Shape) -> tuple[int, str]:
    """Return status and code of a refusal, once all that its shape demands is seen to be there."""
    document = answer.json()
    error = document["error"]
    status, is_about_money = answer.status_code, False
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-should-retry"] in ("true", "false")
    assert ("retry-after" in answer.headers) == (answer.headers["x-should-retry"] == "true")
    assert error["message"]
    assert "canary" not in answer.text
    match shape:
        case "openai":
            assert (set(document), set(error)) == ({"error"}, {"message", "type", "param", "code"})
            code = error["code"]
        case "anthropic":
            assert (set(document), set(error)) == ({"type", "error", "request_id"}, {"type", "message", "code"})
            assert (document["type"], document["request_id"]) == ("error", answer.headers["request-id"])
            code, is_about_money = error["code"], error["code"] in _MONEY
            assert error["type"] == ("billing_error" if is_about_money else _TYPES[status])
        case "gemini":
            assert (set(document), set(error)) == ({"error"}, {"code", "message", "status", "details"})
            reason, *retry = error["details"]
            assert [each["retryDelay"] for each in retry] == [
                f"{wait}s" for name, wait in answer.headers.items() if name == "retry-after"
            ]
            assert reason["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
            assert (error["code"], reason["metadata"]["requestId"]) == (status, answer.headers["x-request-id"])
            code, is_about_money = reason["reason"], reason["reason"] in _MONEY
            assert error["status"] == ("RESOURCE_EXHAUSTED" if is_about_money else _STATUSES[status])
    return status, str(code)
