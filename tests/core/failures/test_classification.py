import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import ChannelRequest, UpstreamStatusError
from relay.core.errors import FailureClass
from relay.core.failures import classify
from relay.core.failures.classification import class_of_type
from relay.core.form import Form
from tests.core.wire import load


def request(
    fields: dict[str, object] | None = None, headers: dict[str, str] | None = None, **raw: bytes
) -> ChannelRequest:
    """Return a request of *fields*, and of *raw* ones as they are."""
    known = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in (fields or {}).items()}
    return ChannelRequest(
        dialect="openai_chat",
        operation="chat",
        model="m",
        fields={**known, **{name: msgspec.Raw(value) for name, value in raw.items()}},
        headers=headers or {},
        stream=False,
    )


ASKED = request({"model": "m", "messages": [{"role": "user", "content": "hi"}]})


def classify_json(status: int, document: object, headers: dict[str, str] | None = None) -> UpstreamStatusError:
    return classify(status, headers or {}, json.dumps(document, ensure_ascii=False).encode(), ASKED)


def error(message: str = "", **fields: object) -> dict[str, object]:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("recording", "expected"),
    [
        ("anthropic/err-400-context", "request"),
        ("anthropic/err-401", "key_dead"),
        ("anthropic/err-404-model", "misrouted"),
        ("azure/err-429", "throttled"),
        ("azure/content-filter-prompt-400", "request"),
        ("deepseek/err-400-context", "request"),
        ("deepseek/err-401", "key_dead"),
        ("gemini/err-400-key", "key_dead"),
        ("gemini/err-404-model", "misrouted"),
        ("gemini/err-429", "throttled"),
        ("groq/err-400-tool-use-failed", "request"),
        ("mistral/err-400-model", "misrouted"),
        ("mistral/err-401", "key_dead"),
        ("openai-chat/err-400-image", "request"),
        ("openai-chat/err-400-param", "request"),
        ("openai-chat/err-401", "key_dead"),
        ("openai-chat/err-404-model", "misrouted"),
        ("openai-responses/err-400-context", "request"),
        ("openai-responses/err-400-model", "misrouted"),
        ("openai-responses/err-401", "key_dead"),
        ("openrouter/err-401", "key_dead"),
        ("openrouter/err-429", "throttled"),
        ("xai/err-401-as-400", "key_dead"),
        ("documented/anthropic-400-invalid-signature", "request"),
        ("documented/anthropic-400-temperature-and-top-p", "request"),
        ("documented/anthropic-400-temperature-new-version", "request"),
        ("documented/anthropic-400-thinking-expected", "request"),
        ("documented/anthropic-403-permission", "key_dead"),
        ("documented/anthropic-413-too-large", "request"),
        ("documented/anthropic-429-rate-limit", "throttled"),
        ("documented/anthropic-500-api-error", "sick"),
        ("documented/anthropic-529-overloaded", "overloaded"),
        ("documented/deepseek-400-reasoning-content", "request"),
        ("documented/edge-502-html", "sick"),
        ("documented/edge-524-timeout", "sick"),
        ("documented/ernie-v1-error-200", "throttled"),
        ("documented/gemini-400-missing-signature", "request"),
        ("documented/gemini-400-schema-keyword", "request"),
        ("documented/gemini-500-internal", "sick"),
        ("documented/gemini-503-unavailable", "overloaded"),
        ("documented/openai-403-region", "key_dead"),
        ("documented/openai-429-insufficient-quota", "key_dead"),
        ("documented/openai-429-rate-limit", "throttled"),
        ("documented/openai-500", "sick"),
        ("documented/openai-503", "overloaded"),
        ("documented/relay-200-error-body", "sick"),
        ("documented/relay-503-no-channel", "overloaded"),
        ("documented/responses-400-encrypted-content", "request"),
    ],
)
def test_recorded_error_has_its_class(recording: str, expected: FailureClass) -> None:
    """Each vendor's error is of the class that its trouble belongs to."""
    response = load(recording)
    assert classify(response["status"], response["headers"], response["bytes"], ASKED).failure == expected


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API."}}, "key_dead"),
        (402, error("Insufficient Balance", code="invalid_request_error"), "key_dead"),
        (402, error("Insufficient credits", code=402), "key_dead"),
        (403, error("用户额度不足", type="new_api_error", code="insufficient_user_quota"), "key_dead"),
        (403, error("blocked by organization policy", code="x"), "key_dead"),
        (403, error("Your input was flagged", code=403, metadata={"reasons": ["violence"]}), "request"),
        (403, {"code": "permission-denied", "error": "Content violates usage guidelines."}, "request"),
        (403, error("no", innererror={"code": "ResponsibleAIPolicyViolation"}), "request"),
        (429, error("余额不足或无可用资源包,请充值。", code="1113"), "key_dead"),
        (429, error("Your account is suspended, please check", type="exceeded_current_quota_error"), "key_dead"),
        (429, {"message": "Too many requests"}, "throttled"),
        (400, {"code": "Arrearage", "message": "Access denied."}, "key_dead"),
        (400, [error("API key not valid.", code=400, status="INVALID_ARGUMENT")], "key_dead"),
        (422, {"detail": [{"loc": ["body", "temperature"], "msg": "too high"}]}, "request"),
        (401, error("no access to the model", type="invalid_request_error", code="invalid_model"), "misrouted"),
        (422, error("no", code="invalid_model"), "request"),
        (415, {"detail": "Failed to decode audio."}, "request"),
        (400, error("no " * 40 + "invalid api key"), "request"),
        (405, {}, "misrouted"),
        (408, {}, "sick"),
        (302, {}, "sick"),
        (302, error("no", code="insufficient_quota"), "sick"),
        (500, error("You exceeded your current quota", code="insufficient_quota"), "sick"),
        (200, error("slow down", code=429), "throttled"),
        (200, {**error("slow down"), "status": 429}, "throttled"),
        (200, error("Overloaded", type="overloaded_error"), "overloaded"),
        (200, error("busy", type="service_unavailable_error", code="server_is_overloaded"), "overloaded"),
        (200, error("busy", code="unavailable"), "overloaded"),
        (429, error("The engine is currently overloaded", type="engine_overloaded_error"), "overloaded"),
        (429, error("The engine is currently overloaded", type="rate_limit_reached_error"), "throttled"),
        (200, error("busy", code=503, status="UNAVAILABLE"), "overloaded"),
        (200, error("slow down", type="rate_limit_error"), "throttled"),
        (200, error("no", code="invalid_api_key"), "key_dead"),
        (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "sick"),
    ],
)  # fmt: skip
def test_reported_error_has_its_class(status: int, document: object, expected: FailureClass) -> None:
    """Errors of which there is no recording are of the class that reports and documents give them."""
    assert classify_json(status, document).failure == expected


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("credit balance is too low: Extra inputs are not permitted", {"credit balance is too low": 1}),
        ("Unrecognized request argument supplied: invalid api key", {"model": "m", "Invalid API key": None}),
        ("tools.0.insufficient quota: Extra inputs", {"tools": [{"name": "f", "insufficient quota": []}]}),
        ("Unknown role incorrect api-key", {"messages": [{"role": "incorrect api-key", "content": "hi"}]}),
        ("payment required is no effort", {"reasoning": {"effort": "x \u0050ayment required"}}),
    ],
)
def test_words_of_the_request_take_no_key_out(message: str, asked: dict[str, object]) -> None:
    """A customer who has them repeated is told of the request, and nothing is said of keys or money."""
    body = json.dumps(error(message, type="invalid_request_error")).encode()
    refused = classify(400, {}, body, request(asked))
    assert (refused.failure, refused.message) == ("request", "")
    assert classify(400, {}, body, ASKED).failure == "key_dead"


def test_words_of_a_header_take_no_key_out() -> None:
    """Some go up as they came."""
    body = json.dumps(error("anthropic-version: invalid api key is no valid version")).encode()
    asked = request({}, {"anthropic-version": "Invalid API key"})
    assert classify(400, {}, body, asked).failure == "request"


def test_where_the_request_is_not_known_words_say_nothing_of_keys() -> None:
    """Inside a stream, or behind a 200: there only the vendor's own codes do."""
    words = error("Unrecognized request argument supplied: insufficient balance")
    assert classify(400, {}, json.dumps(words).encode()).failure == "sick"
    assert classify(200, {}, json.dumps(words).encode()).failure == "sick"
    assert classify(200, {}, json.dumps(error("no", code="insufficient_quota")).encode()).failure == "key_dead"


OPENAIS = (
    "Request too large for gpt-4o in organization org-78asdf87asdf9aaa8976 on tokens per min (TPM): Limit 30000, Requested "
    "{}. The input or output tokens must be reduced in order to run successfully."
)
GROQS = (
    "Request too large for model `llama-3.3-70b-versatile` in organization `org_01jp8byqwpfx9sp1m0dbhb6a1e` service tier "
    "`on_demand` on tokens per minute (TPM): Limit 6000, Requested {}, please reduce your message size and try again."
)


@pytest.mark.parametrize(
    ("status", "message", "failure"),
    [
        (429, OPENAIS.format(61337), "too_large"),
        (413, GROQS.format(14810), "too_large"),
        (429, OPENAIS.format(30000), "throttled"),
        (413, GROQS.format(6000), "request"),
        (429, "Rate limit reached for m on tokens per min (TPM): Limit 200, Used 199, Requested 900", "throttled"),
        (
            429,
            "This request would exceed your organization's rate limit of 80,000 input tokens per minute.",
            "throttled",
        ),
    ],
)
def test_a_request_beyond_the_limit_of_a_minute_is_too_large(status: int, message: str, failure: FailureClass) -> None:
    """Where the vendor says so in figures; what else passes one's limit may fit a minute later."""
    refusal = classify_json(status, error(message, type="tokens", code="rate_limit_exceeded"))
    assert refusal.failure == failure


def test_an_overloaded_upstream_says_when_to_ask_again() -> None:
    """By the header that SDKs read."""
    assert classify(529, {"retry-after": "9"}, b"").retry_after_s == 9


def test_an_upstream_that_says_not_to_ask_again_is_sick() -> None:
    """As another relay does, whose 503 means that it has no channel for the model."""
    headers = {"x-should-retry": "false", "retry-after": "9"}
    failures = [classify(status, headers, b"") for status in (503, 529, 429)]
    assert [(each.failure, each.retry_after_s) for each in failures] == [("sick", None)] * 2 + [("throttled", 9)]


def test_a_refused_content_stays_one_beside_words_that_are_repeated() -> None:
    """Only what the customer said is passed over, not what the vendor says beside it."""
    body = json.dumps(error("Content policy: payment required for x is not allowed")).encode()
    assert classify(403, {}, body, request({"user": "payment required"})).failure == "request"


def test_a_name_beside_another_makes_no_word_of_a_vendor() -> None:
    """A path through the request joins names of the customer's by dots."""
    body = json.dumps(error("invalid api.key: Extra inputs are not permitted")).encode()
    assert classify(400, {}, body, request({"invalid api": {"key": 1}})).failure == "request"


def test_a_request_too_deep_to_look_through_takes_no_key_out() -> None:
    """Whatever its depth hides may be what the upstream repeats."""
    body = json.dumps(error("Your credit balance is too low")).encode()
    assert classify(400, {}, body, request(x=b"[" * 100_000 + b"]" * 100_000)).failure == "request"


def test_what_is_quoted_hides_no_message() -> None:
    """It says nothing of ours, and helps the customer."""
    said = "Invalid value: 'payment required'. Supported values are: 'a' and 'b'."
    asked = request({"effort": "Payment Required"})
    assert classify(400, {}, json.dumps(error(said)).encode(), asked).message == said


LONG = {"messages": ["hi"] * 100_000}


def test_a_long_request_is_looked_through_once_however_often_its_words_are_repeated() -> None:
    """As many times as a body may hold them."""
    said = f"Invalid value: '{'欠费' * 40_000}'"
    body = json.dumps(error(said), ensure_ascii=False).encode()
    refused = classify(400, {}, body, request({"user": "欠费", **LONG}))
    assert (refused.failure, refused.message[:20]) == ("request", said[:20])


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("invalid api key, payment required", "request"),
        ("invalid api key, insufficient funds", "key_dead"),
        ("payment required, insufficient funds", "key_dead"),
    ],
)
def test_one_word_that_the_request_does_not_say_takes_a_key_out(said: str, failure: FailureClass) -> None:
    """Whatever it says of the others."""
    asked = request({"payment required": 1, "user": "Invalid API key"})
    assert classify(400, {}, json.dumps(error(said)).encode(), asked).failure == failure
    assert classify(400, {}, json.dumps(error(f"Invalid value: '{said}'")).encode(), asked).failure == "request"


def test_a_quotation_is_shown_only_where_all_of_it_is_the_requests() -> None:
    """One word that speaks of our money hides it."""
    asked = request({"effort": "payment required"})
    said = "Invalid value: 'payment required, insufficient funds'"
    assert classify(400, {}, json.dumps(error(said)).encode(), asked).message == ""


@pytest.mark.parametrize(
    "said",
    [
        'Provider returned 400: {"error":{"message":"Your credit balance is too low to access the API"}}',
        "We couldn't serve this: insufficient balance. The account can't pay.",
        "upstream says 'Incorrect API key provided'",
    ],
)
def test_what_a_relay_in_between_quotes_of_its_vendor_is_shown_to_nobody(said: str) -> None:
    """It speaks of a key or of money, and not by the customer's words."""
    assert classify(400, {}, json.dumps(error(said)).encode(), ASKED).message == ""
    assert classify(400, {}, json.dumps(error(said)).encode()).message == ""


@pytest.mark.parametrize(
    "name", ["insufficientinvalid api keybalance", "insufficient'x'balance", "insufficient`x`funds"]
)
def test_words_taken_out_of_a_name_let_its_rest_say_nothing(name: str) -> None:
    """Its parts do not come to stand side by side."""
    body = json.dumps(error(f"Unrecognized request argument supplied: {name}")).encode()
    assert classify(400, {}, body, request({name: 1})).failure == "request"


def test_words_that_a_file_may_have_in_its_name_take_no_key_out() -> None:
    """Nobody looks through a form for them."""
    asked = request({})
    raw = b'--b\r\ncontent-disposition: form-data; name="file"; filename="incorrect api key.txt"\r\n\r\nx\r\n--b--\r\n'
    asked.form = Form(raw, "multipart/form-data; boundary=b")
    body = json.dumps(error("Unsupported file incorrect api key.txt")).encode()
    assert classify(400, {}, body, asked).failure == "request"


@pytest.mark.parametrize(
    "name",
    [
        "web_search_options.user_location",
        "messages.0.content.1.info",
        "tools.0.function.parameters.properties.host",
        "user_not_allowed",
        "org_not_verified",
    ],
)
def test_names_that_tell_nothing_of_the_upstream_stay(name: str) -> None:
    """They are what the customer has to look at."""
    refused = classify_json(400, error(f"{name}: no", param=name, code=name.rpartition(".")[2]))
    assert (refused.param, refused.error_type) == (name, name.rpartition(".")[2])
    assert refused.message == f"{name}: no"


@pytest.mark.parametrize("name", ["api.secret.example.com", "sk-proj-abcdef123456", "10.0.0.7"])
def test_no_field_of_a_refusal_tells_of_the_upstream(name: str) -> None:
    """Neither the parameter nor the code that it names."""
    refused = classify_json(400, error("no", param=name, code=name, type=name))
    assert (refused.param, refused.error_type) == (None, "")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"<html>no</html>", "key_dead"),
        (403, b"<html>Sorry, you have been blocked</html>", "sick"),
        (400, b"<html>400 Request Header Or Cookie Too Large</html>", "request"),
        (413, b"<html>413</html>", "request"),
        (431, b"", "request"),
        (429, b"", "throttled"),
        (400, b"[" * 100_000, "request"),
        (400, b"\xff\xfe", "request"),
        (200, b"<html>welcome</html>", "sick"),
    ],
)
def test_page_that_is_no_document_is_judged_by_its_status(status: int, body: bytes, expected: FailureClass) -> None:
    """HTML, nothing, too deep JSON: the status speaks, but an edge's 403 does not kill a key."""
    refused = classify(status, {}, body)
    assert (refused.failure, refused.message) == (expected, "")


@pytest.mark.parametrize(
    "echo", ["'insufficient balance'", '"Incorrect API key"', "`credit balance is too low`"], ids=["'", '"', "`"]
)
def test_quoted_words_of_a_customer_do_not_kill_a_key(echo: str) -> None:
    """A value that the vendor quotes back is not the vendor's word about our key."""
    assert classify_json(400, error(f"Invalid value: {echo}. Use another.")).failure == "request"


def test_request_error_keeps_message_code_and_param() -> None:
    """For class request the customer gets the vendor's words, its code and the field to blame."""
    refused = classify_json(
        400,
        error(
            "Unsupported parameter: 'stop'.", type="invalid_request_error", param="stop", code="unsupported_parameter"
        ),
    )
    assert (refused.upstream_status, refused.message, refused.error_type, refused.param) == (
        400,
        "Unsupported parameter: 'stop'.",
        "unsupported_parameter",
        "stop",
    )


@pytest.mark.parametrize(
    ("recording", "message", "error_type"),
    [
        (
            "anthropic/err-400-context",
            "prompt is too long: 3333404 tokens > 200000 maximum",
            "context_length_exceeded",
        ),
        (
            "openai-responses/err-400-context",
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            "context_length_exceeded",
        ),
        (
            "deepseek/err-400-context",
            "This model's maximum context length is 1048565 tokens. However, you requested 1250025 tokens (1250025 in "
            "the messages, 0 in the completion). Please reduce the length of the messages or completion.",
            "context_length_exceeded",
        ),
    ],
)
def test_context_errors_keep_the_words_clients_look_for(recording: str, message: str, error_type: str) -> None:
    """Compaction in clients starts at these words, so they pass unchanged."""
    response = load(recording)
    refused = classify(response["status"], response["headers"], response["bytes"])
    assert (refused.message, refused.error_type) == (message, error_type)


@pytest.mark.parametrize(
    "message",
    [
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
        "The input token count exceeds the maximum number of tokens allowed (1048576).",
        "Unable to submit request because the input token count is 1251952 but model only supports up to 1048576.",
        "input length and `max_tokens` exceed context limit: 184915 + 20000 > 204648, decrease input length",
        "Range of input length should be [1, 129024]",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]",
        "Input is too long for requested model.",
        "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
        "number of input tokens (83121) have exceeded max_prompt_tokens (65536) limit.",
    ],
)
def test_vendors_say_in_words_alone_that_a_prompt_is_too_long(message: str) -> None:
    """Gemini with and without the figure, Vertex AI, Anthropic, Qwen, Bedrock, xAI and SiliconFlow."""
    refused = classify_json(400, error(message, code=400, status="INVALID_ARGUMENT"))
    assert (refused.failure, refused.message) == ("request", message)
    assert refused.error_type == "context_length_exceeded"


@pytest.mark.parametrize("message", ["Prompt exceeds max length", "Prompt 超长"])
def test_glm_says_by_a_number_that_a_prompt_is_too_long(message: str) -> None:
    """Whatever the words."""
    refused = classify_json(400, error(message, code="1261"))
    assert (refused.failure, refused.message, refused.error_type) == ("request", message, "context_length_exceeded")


@pytest.mark.parametrize(
    "message",
    [
        "Range of max_tokens should be [1, 8192]",
        "max_tokens (384000) exceeds model's maximum output tokens (65536)",
        "messages.0.content: string too long",
    ],
)
def test_other_limits_are_no_full_context(message: str) -> None:
    """To compact the talk would help nobody."""
    assert classify_json(400, error(message, type="invalid_request_error")).error_type == "invalid_request_error"


def test_a_thread_that_was_lost_is_the_requests_own_fault() -> None:
    """Nothing is wrong with the model or the channel, and the client must read the code to send its talk whole."""
    fields = {"type": "not_found_error", "details": {"error_code": "thread_not_found"}}
    lost = classify_json(404, error("No usable Thread state was found.", **fields))
    assert (lost.failure, lost.upstream_status, lost.error_type) == ("request", 404, "thread_not_found")


def test_a_server_of_tools_that_is_not_reached_is_the_requests_own_fault() -> None:
    """OpenAI's 424; another's, such as Bedrock's of a model that failed, is not."""
    told = error("Error retrieving tool list from MCP server: 'x'.", type="external_connector_error", code="http_error")
    assert classify_json(424, told).failure == "request"
    assert (
        classify_json(424, {"message": "The request failed due to an error while processing the model."}).failure
        == "sick"
    )


@pytest.mark.parametrize("status", [401, 402, 404, 429, 500])
def test_no_other_class_keeps_a_word(status: int) -> None:
    """What an upstream says of itself, our key or our money stays here."""
    refused = classify_json(status, error("canary", type="canary_type", code="canary_code", param="canary"))
    assert (refused.message, refused.error_type, refused.param) == ("", "", None)
    assert "canary" not in str(refused)


@given(st.binary(max_size=200), st.sampled_from([200, 302, 400, 401, 403, 404, 413, 422, 429, 500, 529]))
def test_no_body_makes_it_fail(body: bytes, status: int) -> None:
    """Any bytes with any status are classified."""
    assert classify(status, {}, body).upstream_status == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "type",
                    "code",
                    "status",
                    "detail",
                    "details",
                    "loc",
                    "param",
                    "reason",
                    "retryDelay",
                    "innererror",
                    "errors",
                    "base_resp",
                    "msg",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([200, 400, 403, 429]))
def test_no_document_makes_it_fail(document: object, status: int) -> None:
    """Any JSON, with the fields of every vendor in any place, is classified."""
    assert classify_json(status, document).upstream_status == status


@pytest.mark.parametrize(
    ("error_type", "expected"),
    [
        ("overloaded_error", "overloaded"),
        ("server_is_overloaded", "overloaded"),
        ("UNAVAILABLE", "overloaded"),
        ("api_error", None),
        ("server_error", None),
        ("one_api_error", None),
        ("rate_limit_error", "throttled"),
        ("rate_limit_exceeded", "throttled"),
        ("RESOURCE_EXHAUSTED", "throttled"),
        ("429", "throttled"),
        ("299", None),
        ("300", "sick"),
        ("599", "sick"),
        ("600", None),
        ("authentication_error", "key_dead"),
        ("permission_error", "key_dead"),
        ("billing_error", "key_dead"),
        ("insufficient_quota", "key_dead"),
        ("not_found_error", "misrouted"),
        ("model_not_found", "misrouted"),
        ("invalid_request_error", "request"),
        ("tool_use_failed", "request"),
        ("context_length_exceeded", "request"),
        ("4" * 5000, None),
        ("bad", None),
        ("novel_error", None),
        ("", None),
    ],
)
def test_error_type_has_its_class(error_type: str, expected: FailureClass | None) -> None:
    """An error event inside a stream is classified by its type alone; what no list names has none."""
    assert class_of_type(error_type) == expected
