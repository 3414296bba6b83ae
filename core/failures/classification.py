"""What an upstream's error means: its failure class, and what of its words a customer may see.

The status decides, except where vendors use one status for several things: a spent balance comes as
400, 403 or 429, a dead key as 400, an unknown model as 400, a refusal of the content as 403, a file
that does not exist as 403 or 404, and any of them as 200. Sources: wire/DIALECTS.md 7,
read 2026-11-23; blame.py.
"""

import re
from collections.abc import Mapping

from ..errors import FailureClass, UpstreamStatusError
from ..exchange import ChannelRequest
from .blame import blames_the_request
from .error_body import ErrorBody, read_error_body, retry_after_s
from .sanitise import names_upstream, sanitise
from .sent_request import GAP, SentRequest

CONTEXT_CODE = "context_length_exceeded"


def classify(
    status: int, headers: Mapping[str, str], body: bytes, request: ChannelRequest | None = None
) -> UpstreamStatusError:
    """Return the error to raise for an upstream's answer with *status* to *request*.

    An error dressed as success has *status* 200: then the status or type named in its body decides.
    The upstream's words are kept for class ``request`` alone, without what tells about the upstream;
    in every other class they may mention our key, balance or organisation.

    Args:
        request: None if it is not known; then no word about a key or money counts, as it may be the customer's own.
    """
    error, sent = read_error_body(body), SentRequest(request)
    failure = _failure(status, error, sent)
    if failure == "request":
        message = "" if _tells_of_ours(error.message, sent) else sanitise(error.message)
        return UpstreamStatusError(failure, status, message=message, error_type=_machine_type(error), param=error.param)
    if failure == "overloaded" and headers.get("x-should-retry") == "false":
        failure = "sick"  # another relay without a channel for the model: also 503, but asking again is no use
    wait_s = retry_after_s(headers, error) if failure in ("throttled", "overloaded") else None
    return UpstreamStatusError(failure, status, retry_after_s=wait_s)


def class_of_type(error_type: str) -> FailureClass | None:
    """Return the class of a vendor's machine *error_type*, as in an error event inside a stream; None if it is unknown.

    A three-digit number counts as an HTTP status.

    >>> class_of_type("overloaded_error"), class_of_type("429"), class_of_type("rate_limit_error")
    ('overloaded', 'throttled', 'throttled')
    """
    name = error_type.lower()
    if name.isdecimal() and len(name) == 3 and 300 <= int(name) <= 599:
        return _class_of_status(int(name))
    return _CLASS_OF_TYPE.get(name)


def _machine_type(error: ErrorBody) -> str:
    """Return the code, or else the type, that looks like a machine's name; "" if neither does."""
    if error.code in _CONTEXT_NAMES or _CONTEXT_WORDS.search(error.message):
        return CONTEXT_CODE
    for name in (error.code, error.type):
        if _MACHINE_NAME.fullmatch(name) and not names_upstream(name):
            return name
    return ""


def _failure(status: int, error: ErrorBody, sent: SentRequest) -> FailureClass:
    """Return the class: from the words where they leave no doubt, else from the status."""
    if 300 <= status < 400 or status >= 500:
        return _class_of_status(status)
    words = _own_words(error, sent)
    names = {error.code.lower(), error.type.lower(), *error.reasons}
    if error.code in _THREAD_CODES or error.type == _MCP_SERVER_TYPE:
        return "request"
    if names & _QUOTA_NAMES or (error.retry_after_s is None and _QUOTA_WORDS.search(words)):
        # Gemini words a passing limit as a used-up quota, but says when to try again.
        return "key_dead"
    if status in (413, 429) and _exceeds_its_limit(error.message):
        return "too_large"
    if status == 429 and names & _BUSY_NAMES:
        return "overloaded"
    if status == 200:
        return _failure_dressed_as_success(error, words, sent)
    if status == 400:
        if names & _KEY_NAMES or _KEY_WORDS.search(words):
            return _unless_of_the_request("key_dead", error, sent)
        if names & _MODEL_NAMES:
            return _unless_of_the_request("misrouted", error, sent)
        # The words may be the customer's own, so no key is taken out for them; nor are they shown to the customer.
        return "sick" if not sent.is_known and _OURS.search(error.message.lower()) else "request"
    if status == 403:
        return _failure_of_403(error, names, words, sent)
    if status == 404:
        return _unless_of_the_request("misrouted", error, sent)
    if status == 401 and names & _MODEL_NAMES:
        return "misrouted"  # Qianfan: the key is good, but not for this model (presets/qianfan.yaml)
    return _class_of_status(status)


def _unless_of_the_request(failure: FailureClass, error: ErrorBody, sent: SentRequest) -> FailureClass:
    return "request" if blames_the_request(error, sent) else failure


def _exceeds_its_limit(message: str) -> bool:
    """Say whether *message* tells in figures that one request exceeds what our account may use in a minute."""
    found = _TOO_LARGE.search(message)
    return found is not None and int(found["requested"]) > int(found["limit"])


def _own_words(error: ErrorBody, sent: SentRequest) -> str:
    """Return the first words of the error in lower case, without those that may be the customer's.

    A vendor mentions our key or money in its first words. What it quotes, and what the request says
    too, may come from the customer, who must not be able to take a key out by having a word repeated:
    ``Unrecognized request argument supplied: invalid api key``. Where the request is not known, no
    word about key or money counts.
    """
    words = _unquoted(error.message)[:100]
    repeated = sent.words_in_text(_ours_in(words))
    return _OURS.sub(lambda ours: GAP if ours[0] in repeated else ours[0], words)


def _unquoted(message: str) -> str:
    return _QUOTED.sub(GAP, message.lower())


def _ours_in(message: str) -> set[str]:
    """Return the phrases about our key or money in *message*, which is in lower case.

    A set, because each is searched for in the request, however often the message repeats it.
    """
    return {ours[0] for ours in _OURS.finditer(message)}


def _tells_of_ours(message: str, sent: SentRequest) -> bool:
    """Say whether *message* mentions our key or money, other than by quoting the request."""
    ours = _ours_in(message.lower())
    is_quoted_alone = sent.is_known and not _OURS.search(_unquoted(message))
    return bool(ours) and not (is_quoted_alone and sent.words_in_text(ours) == ours)


def _failure_of_403(error: ErrorBody, names: set[str], words: str, sent: SentRequest) -> FailureClass:
    """Return ``request`` for a refusal of the content or of what the request refers to, else ``key_dead``.

    A page that is no JSON document comes from an edge server in front of the upstream. It knows nothing
    of the key, and a customer's text can provoke it, so it must not take a key out: that is ``sick``.
    """
    if names & _POLICY_NAMES or _POLICY_WORDS.search(words):
        return "request"
    return _unless_of_the_request("key_dead", error, sent) if error.is_document else "sick"


def _failure_dressed_as_success(error: ErrorBody, words: str, sent: SentRequest) -> FailureClass:
    if error.status:
        return _failure(error.status, error, sent)
    failure = class_of_type(error.code) or class_of_type(error.type)
    if failure in ("misrouted", "key_dead"):
        return _unless_of_the_request(failure, error, sent)
    if failure is not None:
        return failure
    return "throttled" if "limit reached" in words else "sick"


def _class_of_status(status: int) -> FailureClass:
    """Return the class of a bare status; any other is ``sick``, for which another channel is tried.

    Upstreams answer 415 to a file that can't be decoded, and 431 to a customer's ``anthropic-beta`` that is too long.
    """
    match status:
        case 400 | 413 | 415 | 422 | 431:
            return "request"
        case 404 | 405:
            return "misrouted"
        case 401 | 402 | 403:
            return "key_dead"
        case 429:
            return "throttled"
        case 503 | 529:
            return "overloaded"
        case _:
            return "sick"


# What vendors call things. Sources beside DIALECTS 7: the recordings err-* and documented/ of wire/.

_QUOTA_NAMES = {
    "insufficient_quota", "insufficient_user_quota", "insufficient_balance", "billing_error", "billing_not_active",
    "billing_hard_limit_reached", "exceeded_current_quota_error", "pre_consume_token_quota_failed", "account_deactivated",
    "arrearage", "payment_required",
}  # fmt: skip
_QUOTA_WORDS = re.compile(
    r"credit balance is too low|exceeded your current quota|insufficient (account )?(balance|credits?|quota|funds)"
    r"|billing hard limit|account is not active|payment required|余额不足|额度不足|欠费"
)
_KEY_WORDS = re.compile(
    r"(incorrect|invalid|expired) api[ _-]?key|api[ _-]?key (not valid|expired|is invalid|not found)"
)
_OURS = re.compile(f"{_QUOTA_WORDS.pattern}|{_KEY_WORDS.pattern}")
"""Phrases about our key or our money."""
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`""")
_KEY_NAMES = {"invalid_api_key", "api_key_invalid", "authentication_error", "permission_error"}
_MODEL_NAMES = {"model_not_found", "invalid_model", "not_found_error", "20012"}
"""The number is SiliconFlow's (presets/siliconflow.yaml)."""
_CONTEXT_NAMES = {"characters_too_long", "tokens_too_long", "10907", "1261"}
"""Qianfan's, and the numbers Spark's and GLM's (their presets)."""
_CONTEXT_WORDS = re.compile(
    r"maximum context length|exceeded model token limit|[Ii]nput token length too long|prompt is too long"
    r"|input token count.{0,24} (?:exceeds the maximum|but model only supports up to)|exceed context limit"
    r"|[Rr]ange of input length should be|[Ii]nput is too long for requested model|maximum prompt length is"
    r"|number of input tokens.{0,24} exceeded max_prompt_tokens"
)
"""Said in words alone by DeepSeek (w:deepseek/err-400-context), Anthropic (w:anthropic/err-400-context, and with the
output asked for anthropics/claude-code#228), Kimi, Qwen, xAI and SiliconFlow (their presets), Gemini
(google-gemini/gemini-cli#4231), Vertex AI (google-gemini/gemini-cli#19727) and Bedrock (anthropics/claude-code#8637),
read 2026-11-30.
"""
_TOO_LARGE = re.compile(r"Request too large for .{1,200}: Limit (?P<limit>\d{1,12}), Requested (?P<requested>\d{1,12})")
"""OpenAI's 429 (vanna-ai/vanna-flask#11, continuedev/continue#11717) and Groq's 413 (continuedev/continue#10218), read
2026-11-30. A request refused by "Rate limit reached … Limit x, Used y, Requested z" may fit a minute later. Anthropic's
"would exceed your organization's rate limit" and Azure's "have exceeded token rate limit" don't tell the two apart.
"""
_THREAD_CODES = {"thread_not_found", "thread_already_continued", "thread_continue_in_flight"}
"""Anthropic's codes about a conversation that it keeps: their status 404 is not about the model."""
_MCP_SERVER_TYPE = "external_connector_error"
"""OpenAI's 424: a customer's MCP server could not be reached (theimaginaryfoundation/what-iff#116, read 2026-11-30)."""
_POLICY_NAMES = {
    "content_policy_violation", "content_filter", "responsibleaipolicyviolation", "data_inspection_failed",
    "moderation_blocked", "safety_check_failed", "10013", "10014", "10019", "10021",
}  # fmt: skip
"""The numbers are Spark's (presets/spark.yaml)."""
_POLICY_WORDS = re.compile(
    r"content (management )?polic|usage (polic|guideline)|acceptable use|moderation|flagged|content filter|敏感|违规|内容安全"
)
_BUSY_NAMES = {"overloaded_error", "unavailable", "server_is_overloaded", "engine_overloaded_error"}
"""Kimi's, the last, comes with 429, is about one model, and has nothing to do with the key's limits
(MoonshotAI/kimi-cli#2077 and #2209, read 2026-11-30).
"""
_CLASS_OF_TYPE: dict[str, FailureClass] = {
    **dict.fromkeys(_QUOTA_NAMES | _KEY_NAMES | {"unauthenticated", "permission_denied", "11200"}, "key_dead"),
    **dict.fromkeys(_MODEL_NAMES | {"not_found"}, "misrouted"),
    **dict.fromkeys(
        ("rate_limit_error", "rate_limit_exceeded", "ratelimitreached", "too_many_requests", "resource_exhausted",
         "tokens", "requests", "throttling", "11201", "11202"),
        "throttled",
    ),
    **dict.fromkeys(_BUSY_NAMES, "overloaded"),
    **dict.fromkeys(
        _POLICY_NAMES | {"invalid_request_error", "invalid_argument", "invalid-argument", "invalidparameter",
        "request_too_large", "tool_use_failed", "invalid_prompt", CONTEXT_CODE}
        | _CONTEXT_NAMES,
        "request",
    ),
}  # fmt: skip
_MACHINE_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}")
