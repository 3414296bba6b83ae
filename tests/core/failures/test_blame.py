"""A refusal of what the request names outside itself is the request's; one of our key or model is not."""

import json
from typing import Any

import msgspec
import pytest

from relay import ChannelRequest
from relay.core.errors import FailureClass
from relay.core.failures import classify

FILE: dict[str, Any] = {"contents": [{"parts": [{"fileData": {"fileUri": "https://x/v1beta/files/nope"}}]}]}
CACHE: dict[str, Any] = {"cachedContent": "cachedContents/nope"}
IMAGE: dict[str, Any] = {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]}
TEXT: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


def failure_of(status: int, error: object, fields: dict[str, Any] = TEXT, model: str = "gpt-5") -> FailureClass:
    """Return the class of *error*, said to a request of *fields*."""
    known = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    asked = ChannelRequest(dialect="openai_chat", operation="chat", model=model, fields=known, headers={}, stream=False)
    return classify(status, {}, json.dumps({"error": error}, ensure_ascii=False).encode(), asked).failure


def google(message: str, code: int = 403, **details: object) -> dict[str, object]:
    return {"code": code, "status": "PERMISSION_DENIED", "message": message, "details": [details]}


def openai(message: str, param: str | None = None, code: str | None = None) -> dict[str, object]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


def anthropic(message: str, error_type: str = "not_found_error") -> dict[str, object]:
    return {"type": error_type, "message": message}


@pytest.mark.parametrize("fields", [FILE, IMAGE], ids=["file", "address"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, google("You do not have permission to access the File nope or it may not exist.")),
        (403, google("CachedContent not found (or permission denied)")),
        (403, google("Permission denied while accessing input file. Learn more: https://cloud.google.com/key/models")),
        (404, openai("Item with id 'nope' not found. Items are not persisted when `store` is set to false.", "input")),
        (404, openai("No such File object: nope", "id")),
        (404, openai("Container not found")),
        (404, openai("Response with id 'nope' not found.", "previous_response_id")),
        (404, openai("gone", code="conversation_not_found")),
        (404, openai("gone", "vector_store_id")),
        (404, anthropic("File not found: nope")),
        (400, anthropic("File not found: nope")),
    ],
)
def test_what_the_request_names_is_the_requests(status: int, error: object, fields: dict[str, Any]) -> None:
    """The words say it; said to a request that names nothing, they are an upstream's own trouble."""
    assert failure_of(status, error, fields) == "request"
    assert failure_of(status, error, TEXT) == {400: "misrouted", 403: "key_dead", 404: "misrouted"}[status]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, {"code": 404, "message": "No endpoints found that support image input"}),
        (404, {"code": 404, "message": "No endpoints found that support tool use. Try disabling the model's tools."}),
        (403, openai("You are not allowed to generate embeddings from this model")),
        (403, openai("You are not allowed to sample from this model")),
        (404, openai("This is not a chat model and thus not supported in the v1/chat/completions endpoint.", "model")),
        (404, openai("This model is only supported in v1/responses and not in v1/chat/completions.", "model")),
    ],
)
def test_what_a_model_can_not_do_is_the_requests(status: int, error: object) -> None:
    """The words alone say it."""
    assert failure_of(status, error, TEXT) == "request"


@pytest.mark.parametrize(
    ("status", "error", "without"),
    [
        (403, google("The caller does not have permission"), "key_dead"),
        (404, google("Requested entity was not found.", 404), "misrouted"),
    ],
)
def test_words_about_nothing_known_are_the_requests_where_it_refers(
    status: int, error: object, without: FailureClass
) -> None:
    """Where it names a file of Google's, which says no more; else they can only be about our key and model."""
    assert [failure_of(status, error, fields) for fields in (FILE, CACHE)] == ["request", "request"]
    assert (failure_of(status, error, IMAGE), failure_of(status, error, TEXT)) == (without, without)


@pytest.mark.parametrize("fields", [FILE, IMAGE, TEXT, {"previous_response_id": "resp_1"}])
@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (404, openai("Not found"), "misrouted"),
        (404, {"code": "404", "message": "Resource not found"}, "misrouted"),
        (403, openai("Forbidden"), "key_dead"),
        (403, openai("Token expired"), "key_dead"),
        (403, openai("The security token included in the request is invalid."), "key_dead"),
        (403, {"message": "Request not allowed", "type": "forbidden"}, "key_dead"),
        (403, openai("Your service has been terminated."), "key_dead"),
        (403, openai("无权访问"), "key_dead"),
    ],
)
def test_what_nobody_can_tell_is_an_upstreams_own_trouble(
    status: int, error: object, expected: FailureClass, fields: dict[str, Any]
) -> None:
    """An address or an id in the talk is no reason to ask no other key and no other channel."""
    assert failure_of(status, error, fields) == expected


@pytest.mark.parametrize("fields", [FILE, IMAGE, TEXT], ids=["file", "image", "text"])
@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (403, google("Your API key was reported as leaked. Please use another API key."), "key_dead"),
        (403, google("Generative Language API has not been used in project 1 before or it is disabled."), "key_dead"),
        (403, google("no", reason="SERVICE_DISABLED"), "key_dead"),
        (403, google("Permission denied: Consumer 'api_key:AIza' has been suspended.", reason="CONSUMER_SUSPENDED"), "key_dead"),
        (403, google("Permission denied on resource project gen-1.", reason="CONSUMER_INVALID"), "key_dead"),
        (403, google("Permission 'aiplatform.endpoints.predict' denied on resource '//x'", reason="IAM_PERMISSION_DENIED"), "key_dead"),
        (403, anthropic("Your API key does not have permission to use the specified resource.", "permission_error"), "key_dead"),
        (403, openai("Country, region, or territory not supported", code="unsupported_country_region_territory"), "key_dead"),
        (403, openai("该令牌无权使用"), "key_dead"),
        (403, {"message": "Key limit exceeded (total limit)", "code": 403}, "key_dead"),
        (400, google("API key not valid. Please pass a valid API key.", 400), "key_dead"),
        (400, google("no", 400, reason="API_KEY_INVALID"), "key_dead"),
        (404, openai("The model `x` does not exist or you do not have access to it.", code="model_not_found"), "misrouted"),
        (404, google("models/x is not found for API version v1beta, or is not supported for generateContent.", 404), "misrouted"),
        (404, google("Publisher Model `projects/p/x` was not found or your project does not have access to it.", 404), "misrouted"),
        (404, anthropic("model: claude-x"), "misrouted"),
        (404, {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}, "misrouted"),
        (404, openai("Invalid URL (POST /v1/responses)"), "misrouted"),
        (404, openai("gpt-5 is unknown here, as is its file"), "misrouted"),
        (404, {"code": 404, "message": "No endpoints found for x."}, "misrouted"),
        (405, openai("No such File object: nope"), "misrouted"),
        (401, google("You do not have permission to access the File nope", 401), "key_dead"),
        (402, anthropic("File not found: nope"), "key_dead"),
    ],
)  # fmt: skip
def test_what_is_ours_stays_ours(status: int, error: object, expected: FailureClass, fields: dict[str, Any]) -> None:
    """Whatever else the request names."""
    assert failure_of(status, error, fields) == expected


@pytest.mark.parametrize("name", ["model", "API_KEY", "my-project", "gpt-5", "insufficient balance"])
@pytest.mark.parametrize("status", [403, 404])
def test_a_file_may_be_called_as_what_is_ours(name: str, status: int) -> None:
    """Words of the request's own ids take no key and no model out."""
    told = google(f"You do not have permission to access the File {name} or it may not exist.", status)
    fields = {"contents": [{"parts": [{"fileData": {"fileUri": f"https://x/v1beta/files/{name}"}}]}]}
    assert failure_of(status, told, fields) == "request"


def test_an_apostrophe_begins_no_quotation() -> None:
    """What stands behind it is the vendor's own word."""
    assert failure_of(404, openai("We don't know the model 'x'."), FILE) == "misrouted"


def test_a_bad_response_is_no_response_that_is_missing() -> None:
    """As relays in between say it of their own upstream."""
    assert failure_of(404, openai("bad response status code 404", code="bad_response_status_code")) == "misrouted"


def test_an_error_inside_an_answer_is_judged_by_its_words() -> None:
    """There the request is not known."""
    body = json.dumps({"type": "error", "error": anthropic("File not found: nope")}).encode()
    assert classify(200, {}, body).failure == "request"
    body = json.dumps({"type": "error", "error": anthropic("model: x")}).encode()
    assert classify(200, {}, body).failure == "misrouted"


def test_advice_behind_the_point_is_not_looked_at() -> None:
    """It speaks of anything."""
    told = openai("No such File object: nope. " + "It may be that you never made it. " * 10 + "Check your API key.")
    assert failure_of(404, told, FILE) == "request"
