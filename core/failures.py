"""What an upstream's error means: its failure class, and what of its words a customer may see.

The status decides, except where vendors use one status for two things: no money left comes as
400, 403 or 429, a dead key as 400, an unknown model as 400, a refusal of the content as 403, what the
request names and is not there as 403 or 404, and any of them as 200. Sources: DESIGN 5; wire/DIALECTS.md 7,
read 2026-11-23; outside.py.
"""

import re
from collections.abc import Mapping

from .asked import GAP, Asked
from .errors import FailureClass, UpstreamStatusError
from .exchange import ChannelRequest
from .outside import blames_the_request
from .said import Said, read_said, retry_after_s
from .sanitise import names_upstream, sanitise

CONTEXT_CODE = "context_length_exceeded"


def classify(
    status: int, headers: Mapping[str, str], body: bytes, request: ChannelRequest | None = None
) -> UpstreamStatusError:
    """Return the error that an upstream's answer of *status* is, to *request*.

    For an error dressed as success, *status* is 200: then the body's own status or type decides.
    The upstream's words are kept for class ``request`` alone, and only what says nothing about
    the upstream; of every other class they may speak of our key, balance or organisation.
    """
    said, asked = read_said(body), Asked(request)
    failure = _failure(status, said, asked)
    if failure == "request":
        message = "" if _tells_of_ours(said.message, asked) else sanitise(said.message)
        return UpstreamStatusError(failure, status, message=message, error_type=_machine_type(said), param=said.param)
    wait_s = retry_after_s(headers, said) if failure == "throttled" else None
    return UpstreamStatusError(failure, status, retry_after_s=wait_s)


def classify_error_type(error_type: str, default: FailureClass = "sick") -> FailureClass:
    """Return the class of a vendor's machine *error_type*, as in an error event inside a stream.

    A number counts as the status that it is. What no list names is *default*.

    >>> classify_error_type("overloaded_error"), classify_error_type("429"), classify_error_type("rate_limit_error")
    ('sick', 'throttled', 'throttled')
    """
    name = error_type.lower()
    if name.isdecimal() and len(name) == 3 and 300 <= int(name) <= 599:
        return _class_of_status(int(name))
    return _CLASS_OF_TYPE.get(name, default)


def _machine_type(said: Said) -> str:
    """Return the more telling of code and type, if it looks like one."""
    if said.code in _CONTEXT_NAMES or _CONTEXT_WORDS.search(said.message):
        return CONTEXT_CODE
    for name in (said.code, said.type):
        if name and not name.isdecimal() and _MACHINE_NAME.fullmatch(name) and not names_upstream(name):
            return name
    return ""


def _failure(status: int, said: Said, asked: Asked) -> FailureClass:
    """Return the class: what the words make certain first, then the status."""
    if 300 <= status < 400 or status >= 500:
        return "sick"
    words = _own_words(said, asked)
    names = {said.code.lower(), said.type.lower(), *said.reasons}
    if said.code in _THREAD_CODES or said.type == "external_connector_error":
        return "request"
    if names & _QUOTA_NAMES or (said.retry_after_s is None and _QUOTA_WORDS.search(words)):
        # Gemini words a passing limit as a used-up quota, but says when to come again.
        return "key_dead"
    if status == 200:
        return _failure_dressed_as_success(said, words, asked)
    if status == 400:
        if names & _KEY_NAMES or _KEY_WORDS.search(words):
            return _unless_of_the_request("key_dead", said, asked)
        if names & _MODEL_NAMES:
            return _unless_of_the_request("misrouted", said, asked)
        # Whose words they are can't be told: no key goes out for them, and no customer is told of them.
        return "sick" if not asked.is_known and _OURS.search(said.message.lower()) else "request"
    if status == 403:
        return _failure_of_403(said, names, words, asked)
    if status == 404 and said.is_document:
        return _unless_of_the_request("misrouted", said, asked)
    if status == 401 and names & _MODEL_NAMES:
        return "misrouted"  # Qianfan: the key is good, but not for this model (presets/qianfan.yaml)
    return _class_of_status(status)


def _unless_of_the_request(failure: FailureClass, said: Said, asked: Asked) -> FailureClass:
    return "request" if blames_the_request(said, asked) else failure


def _own_words(said: Said, asked: Asked) -> str:
    """Return how the vendor begins, in lower case, without what it may have from the customer.

    It speaks of our key and money in its first words. What it quotes, and what the request says too,
    may be the customer's, who must not be able to take a key out by having a word repeated:
    ``Unrecognized request argument supplied: invalid api key``. Where the request is not known here,
    words alone say nothing of key or money.
    """
    words = _unquoted(said.message)[:100]
    repeated = asked.among(_ours_in(words))
    return _OURS.sub(lambda ours: GAP if ours[0] in repeated else ours[0], words)


def _unquoted(message: str) -> str:
    return _QUOTED.sub(GAP, message.lower())


def _ours_in(message: str) -> set[str]:
    """Return what *message*, in lower case, says of our key or money: as often as it may, it is few words."""
    return {ours[0] for ours in _OURS.finditer(message)}


def _tells_of_ours(message: str, asked: Asked) -> bool:
    """Say whether *message* speaks of our key or money, but for a quotation of the request."""
    ours = _ours_in(message.lower())
    is_quoted_alone = asked.is_known and not _OURS.search(_unquoted(message))
    return bool(ours) and not (is_quoted_alone and asked.among(ours) == ours)


def _failure_of_403(said: Said, names: set[str], words: str, asked: Asked) -> FailureClass:
    """Return ``request`` for a refusal of the content, or of what the request names outside itself, else ``key_dead``.

    A page that is no document comes from an edge in front of the upstream. It knows nothing of
    the key, and a customer's text can provoke it, so it must not take a key out.
    """
    if names & _POLICY_NAMES or _POLICY_WORDS.search(words):
        return "request"
    return _unless_of_the_request("key_dead", said, asked) if said.is_document else "sick"


def _failure_dressed_as_success(said: Said, words: str, asked: Asked) -> FailureClass:
    if said.status:
        return _failure(said.status, said, asked)
    of_code = classify_error_type(said.code, default="empty")
    of_either = classify_error_type(said.type, default="empty") if of_code == "empty" else of_code
    if of_either in ("misrouted", "key_dead"):
        return _unless_of_the_request(of_either, said, asked)
    if of_either != "empty":
        return of_either
    return "throttled" if "limit reached" in words else "sick"


def _class_of_status(status: int) -> FailureClass:
    """Return the class of a bare status (DESIGN 5); what the table leaves open is worth another channel."""
    match status:
        case 400 | 413 | 422:
            return "request"
        case 404 | 405:
            return "misrouted"
        case 401 | 402 | 403:
            return "key_dead"
        case 429:
            return "throttled"
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
"""What is said of our key or our money."""
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
_THREAD_CODES = {"thread_not_found", "thread_already_continued", "thread_continue_in_flight"}
"""What Anthropic says of a talk that it keeps: its status 404 is not the model's. The type beside them is OpenAI's 424,
of a customer's MCP server that could not be reached (theimaginaryfoundation/what-iff#116, read 2026-11-30).
"""
_POLICY_NAMES = {
    "content_policy_violation", "content_filter", "responsibleaipolicyviolation", "data_inspection_failed",
    "moderation_blocked", "safety_check_failed", "10013", "10014", "10019", "10021",
}  # fmt: skip
"""The numbers are Spark's (presets/spark.yaml)."""
_POLICY_WORDS = re.compile(
    r"content (management )?polic|usage (polic|guideline)|acceptable use|moderation|flagged|content filter|敏感|违规|内容安全"
)
_CLASS_OF_TYPE: dict[str, FailureClass] = {
    **dict.fromkeys(_QUOTA_NAMES | _KEY_NAMES | {"unauthenticated", "permission_denied", "11200"}, "key_dead"),
    **dict.fromkeys(_MODEL_NAMES | {"not_found"}, "misrouted"),
    **dict.fromkeys(
        ("rate_limit_error", "rate_limit_exceeded", "ratelimitreached", "too_many_requests", "resource_exhausted",
         "tokens", "requests", "throttling", "11201", "11202"),
        "throttled",
    ),
    **dict.fromkeys(
        _POLICY_NAMES | {"invalid_request_error", "invalid_argument", "invalid-argument", "invalidparameter",
        "request_too_large", "tool_use_failed", "invalid_prompt", CONTEXT_CODE}
        | _CONTEXT_NAMES,
        "request",
    ),
}  # fmt: skip
_MACHINE_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}")
