"""What an upstream's error means: its failure class, and what of its words a customer may see.

The status decides, except where vendors use one status for two things: no money left comes as
400, 403 or 429, a dead key as 400, an unknown model as 400, a refusal of the content as 403, and
any of them as 200. Sources: DESIGN 5; wire/DIALECTS.md 7, read 2026-11-23.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from .clock import SystemClock
from .errors import FailureClass, UpstreamStatusError
from .exchange import ChannelRequest
from .sanitise import names_upstream, sanitise

BODY_BYTES_MAX = 256 * 1024
"""Beyond this an error's body is not read: no vendor's words are that long."""
RETRY_AFTER_S_MIN = 1
RETRY_AFTER_S_MAX = 3600

CONTEXT_CODE = "context_length_exceeded"


def classify(
    status: int, headers: Mapping[str, str], body: bytes, request: ChannelRequest | None = None
) -> UpstreamStatusError:
    """Return the error that an upstream's answer of *status* is, to *request*.

    For an error dressed as success, *status* is 200: then the body's own status or type decides.
    The upstream's words are kept for class ``request`` alone, and only what says nothing about
    the upstream; of every other class they may speak of our key, balance or organisation.
    """
    said, asked = _read(body), _Asked(request)
    failure = _failure(status, said, asked)
    if failure == "request":
        message = "" if _tells_of_ours(said.message, asked) else sanitise(said.message)
        return UpstreamStatusError(failure, status, message=message, error_type=said.machine_type(), param=said.param)
    retry_after_s = _retry_after_s(headers, said) if failure == "throttled" else None
    return UpstreamStatusError(failure, status, retry_after_s=retry_after_s)


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


class _Said(msgspec.Struct, frozen=True):
    """What an error's body says, whichever vendor's shape it has; empty where it says nothing."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str | None = None
    status: int = 0
    reasons: frozenset[str] = frozenset()
    retry_after_s: float | None = None
    is_document: bool = False

    def machine_type(self) -> str:
        """Return the more telling of code and type, if it looks like one."""
        if self.code in _CONTEXT_NAMES or _CONTEXT_WORDS.search(self.message):
            return CONTEXT_CODE
        for name in (self.code, self.type):
            if name and not name.isdecimal() and _MACHINE_NAME.fullmatch(name) and not names_upstream(name):
                return name
        return ""


class _Asked:
    """What the request says: looked through once, and only where an upstream speaks of our key or money."""

    def __init__(self, request: ChannelRequest | None) -> None:
        self.is_known = request is not None
        self._request = request

    def among(self, words: set[str]) -> set[str]:
        """Return those of *words*, in lower case, that stand in a name or a text of the request, or may do so."""
        if not words or self._text is None:
            return words
        return {each for each in words if each in self._text}

    @cached_property
    def _text(self) -> str | None:
        """All names and texts, in lower case; None where they can't be told, as those in a file's name."""
        request = self._request
        if request is None or request.form is not None:
            return None
        pending: list[Any] = [request.model, unquote_plus(request.query), *request.headers.values(), *request.fields]
        try:
            pending += [msgspec.json.decode(value) for value in request.fields.values()]
        except (ValueError, RecursionError):
            return None
        texts = []
        while pending:
            match pending.pop():
                case str(text):
                    texts.append(text)
                case dict(members):
                    pending += [*members.keys(), *members.values()]
                case list(items):
                    pending += items
        return _GAP.join(texts).lower()


def _failure(status: int, said: _Said, asked: _Asked) -> FailureClass:
    """Return the class: what the words make certain first, then the status."""
    if 300 <= status < 400 or status >= 500:
        return "sick"
    words = _own_words(said, asked)
    names = {said.code.lower(), said.type.lower(), *said.reasons}
    if said.code in _THREAD_CODES:
        return "request"
    if names & _QUOTA_NAMES or (said.retry_after_s is None and _QUOTA_WORDS.search(words)):
        # Gemini words a passing limit as a used-up quota, but says when to come again.
        return "key_dead"
    if status == 200:
        return _failure_dressed_as_success(said, words, asked)
    if status == 400:
        if names & _KEY_NAMES or _KEY_WORDS.search(words):
            return "key_dead"
        if names & _MODEL_NAMES:
            return "misrouted"
        # Whose words they are can't be told: no key goes out for them, and no customer is told of them.
        return "sick" if not asked.is_known and _OURS.search(said.message.lower()) else "request"
    if status == 403:
        return _failure_of_403(said, names, words)
    if status == 401 and names & _MODEL_NAMES:
        return "misrouted"  # Qianfan: the key is good, but not for this model (presets/qianfan.yaml)
    return _class_of_status(status)


def _own_words(said: _Said, asked: _Asked) -> str:
    """Return how the vendor begins, in lower case, without what it may have from the customer.

    It speaks of our key and money in its first words. What it quotes, and what the request says too,
    may be the customer's, who must not be able to take a key out by having a word repeated:
    ``Unrecognized request argument supplied: invalid api key``. Where the request is not known here,
    words alone say nothing of key or money.
    """
    words = _unquoted(said.message)[:100]
    repeated = asked.among(_ours_in(words))
    return _OURS.sub(lambda ours: _GAP if ours[0] in repeated else ours[0], words)


def _unquoted(message: str) -> str:
    return _QUOTED.sub(_GAP, message.lower())


def _ours_in(message: str) -> set[str]:
    """Return what *message*, in lower case, says of our key or money: as often as it may, it is few words."""
    return {ours[0] for ours in _OURS.finditer(message)}


def _tells_of_ours(message: str, asked: _Asked) -> bool:
    """Say whether *message* speaks of our key or money, but for a quotation of the request."""
    ours = _ours_in(message.lower())
    is_quoted_alone = asked.is_known and not _OURS.search(_unquoted(message))
    return bool(ours) and not (is_quoted_alone and asked.among(ours) == ours)


def _failure_of_403(said: _Said, names: set[str], words: str) -> FailureClass:
    """Return ``request`` for a refusal of the content, else ``key_dead``.

    A page that is no document comes from an edge in front of the upstream. It knows nothing of
    the key, and a customer's text can provoke it, so it must not take a key out.
    """
    if names & _POLICY_NAMES or _POLICY_WORDS.search(words):
        return "request"
    return "key_dead" if said.is_document else "sick"


def _failure_dressed_as_success(said: _Said, words: str, asked: _Asked) -> FailureClass:
    if said.status:
        return _failure(said.status, said, asked)
    of_code = classify_error_type(said.code, default="empty")
    of_either = classify_error_type(said.type, default="empty") if of_code == "empty" else of_code
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
_GAP = "\0"
"""Stands where words were taken out: none that are told by their neighbours come to stand side by side."""
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`""")
_KEY_NAMES = {"invalid_api_key", "api_key_invalid", "authentication_error", "permission_error"}
_MODEL_NAMES = {"model_not_found", "invalid_model", "not_found_error", "20012"}
"""The number is SiliconFlow's (presets/siliconflow.yaml)."""
_CONTEXT_NAMES = {"characters_too_long", "tokens_too_long", "10907"}
"""Qianfan's, and the number Spark's (their presets)."""
_CONTEXT_WORDS = re.compile(
    r"maximum context length|exceeded model token limit|[Ii]nput token length too long|prompt is too long"
    r"|input token count.{0,24} exceeds the maximum"
)
"""Said in words alone by DeepSeek (w:deepseek/err-400-context), Anthropic (w:anthropic/err-400-context), Kimi
(presets/moonshot.yaml) and Gemini (google-gemini/gemini-cli#4231, read 2026-11-29).
"""
_THREAD_CODES = {"thread_not_found", "thread_already_continued", "thread_continue_in_flight"}
"""What Anthropic says of a talk that it keeps: its status 404 is not the model's."""
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
_PARAM = re.compile(r"[\w.\[\]-]{1,100}")


def _read(body: bytes) -> _Said:
    """Return what *body* says, or nothing where it is no JSON document."""
    if len(body) > BODY_BYTES_MAX:
        return _Said()
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):  # msgspec's own errors and UnicodeDecodeError are ValueErrors
        return _Said()
    if isinstance(document, list) and document:
        document = document[0]  # Gemini's OpenAI form wraps an error in a list
    if not isinstance(document, dict):
        return _Said()
    return _read_document(document)


def _read_document(outer: dict[str, Any]) -> _Said:
    """Read the fields of every vendor's shape; *inner* holds them, or is the words themselves."""
    inner = outer.get("error") or outer.get("detail") or outer.get("base_resp") or outer.get("errors")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    message = inner if isinstance(inner, str) else ""
    fields: dict[str, Any] = inner if isinstance(inner, dict) else outer
    details = fields.get("details")
    detailed = _text(details, "error_code") if isinstance(details, dict) else ""
    code = detailed or _text(fields, "code", "error_code", "status_code") or _text(outer, "code")
    message = message or _text(fields, "message", "msg", "error_msg", "status_msg") or _text(outer, "message")
    param = fields.get("param") or ".".join(str(part) for part in _items(fields.get("loc")))
    return _Said(
        message=message,
        type=_text(fields, "type") or _text(fields, "status"),
        code=code,
        param=param if isinstance(param, str) and _PARAM.fullmatch(param) and not names_upstream(param) else None,
        status=_status(fields) or _status(outer),
        reasons=frozenset(_reasons(fields)),
        retry_after_s=_delay_in_body(fields, message),
        is_document=True,
    )


def _text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of *names* that holds text or a whole number, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _status(fields: Mapping[str, Any]) -> int:
    """Return the HTTP status that a body names, or 0."""
    for name in ("status", "status_code", "raw_status_code", "code"):
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
            return value
    return 0


def _reasons(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the machine reasons beside code and type: Google's details, Azure's inner error."""
    for detail in _items(fields.get("details")):
        if isinstance(detail, dict) and isinstance(detail.get("reason"), str):
            yield detail["reason"].lower()
    inner = fields.get("innererror")
    if isinstance(inner, dict) and isinstance(inner.get("code"), str):
        yield inner["code"].lower()


_DELAY_IN_WORDS = re.compile(r"(?i)(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|h|m|s)[a-z]*\s*)+)")
_DELAY_PART = re.compile(r"(?i)(\d+(?:\.\d+)?)\s*(ms|h|m|s)")
_DELAY_LENGTH_MAX = 64
"""No honest wait is longer; among digits without end the unit would be looked for behind each of them."""
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _delay_in_body(fields: Mapping[str, Any], message: str) -> float | None:
    """Return the wait that Google's RetryInfo, or the words "try again in 6m0s", ask for."""
    text = ""
    for detail in _items(fields.get("details")):
        if isinstance(detail, dict) and isinstance(detail.get("retryDelay"), str):
            text = detail["retryDelay"]
    match = _DELAY_IN_WORDS.search(message)
    parts = _DELAY_PART.findall(text or (match[1] if match else ""), 0, _DELAY_LENGTH_MAX)
    return sum(float(number) * _UNIT_S[unit.lower()] for number, unit in parts) if parts else None


def _retry_after_s(headers: Mapping[str, str], said: _Said) -> int | None:
    """Return the wait in whole seconds, 1 to 3600; None where the upstream named none."""
    wait_s = _delay_in_headers(headers)
    if wait_s is None:
        wait_s = said.retry_after_s
    if wait_s is None or math.isnan(wait_s):
        return None
    return math.ceil(min(max(wait_s, RETRY_AFTER_S_MIN), RETRY_AFTER_S_MAX))


def _delay_in_headers(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms``, then ``retry-after`` as a number or as a date beside ``date``, else beside our own clock."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit_s
        except (KeyError, ValueError):
            continue
    until, now = _http_date(headers.get("retry-after")), _http_date(headers.get("date"))
    return (until - (now or SystemClock().now())).total_seconds() if until else None


def _http_date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
