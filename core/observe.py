"""Log events, not prose: one line of JSON on stderr per event, with fields from a list.

Nothing said is kept, so a field that is not on the list is refused as a mistake of the
caller, every value is a number or a short name, and an exception is logged as its type and the lines
of code that it passed through: its message may quote a request, so it is never written.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime

import msgspec

from .errors import PluginError

EVENTS = frozenset(
    {
        "admission.closed",  # the disk is nearly full, or read-only: new holds are refused, what is open goes on
        "admission.opened",  # there is room again
        "attempt.failed",  # an upstream failed, by a fault of its own or of the shop's: its class and status
        "channels.withheld",  # a routing plugin left a request no channel, before any was tried
        "checkpoint.failed",  # the ledger could not tidy its write-ahead log; it tries again
        "cancel.failed",  # an answer in the background, whose stream was left, could not be cancelled
        "claims.unchecked",  # after-sales plugins did not see the charges of dead processes; the next start tries again
        "claim.unfiled",  # an after-sales plugin's claim could not be written
        "commit.failed",  # the database did not take a group of operations
        "ledger.stopped",  # the disk failed to sync: nothing is booked or begun until relay is restarted
        "ledger.broken",  # a group broke one of the ledger's own rules; nothing of it was committed
        "files.exhausted",  # a request was refused, as no more files may be opened for a connection to an upstream
        "meter.dropped",  # a plugin's meter raised, or its figures were unusable; core's own took over
        "group.refused",  # a commit broke a rule of the ledger; it was done again, operation by operation
        "operation.refused",  # one operation broke a rule of the ledger; the others went on
        "plugin.awaited",  # a plugin takes long to open, and the shop waits for it
        "plugin.failed",  # a plugin failed, and the request went on without it
        "post.failed",  # a post could not be committed in time
        "recovery.awaited",  # a start has so many requests of dead processes left to close
        "recovery.failed",  # a dead process's request stays open, and verify names it
        "request.crashed",  # a request ended in a bug of ours
        "request.retried",  # a client asked again by itself, after a request that may have been paid for
        "request.failed",  # a request was refused for a fault of the shop's, not the customer's
        "stream.silenced",  # a keep-alive could not be written
        "task.failed",  # a task that nobody awaits raised: a plugin's own, if its file is among the places
        "stream.unmarked",  # what a stream had delivered could not be marked
        "usage.contradicted",  # the upstream's total is no sum of its parts: check the channel's reasoning_in_output
        "spool.failed",  # the spool could not be read; what waits in it is tried again
        "spool.refused",  # a spooled charge can't be booked; its file is set aside
    }
)
"""Every event there is: noun, dot, past participle."""

WARNINGS = frozenset({"admission.closed", "files.exhausted", "post.failed", "usage.contradicted"})
"""Events without an exception that an operator should look at all the same."""

FIELDS = frozenset(
    {
        "channel",
        "code",
        "error",
        "failure",
        "file",
        "free_bytes",
        "hook",
        "key_id",
        "needed_bytes",
        "operation",
        "plugin",
        "problem",
        "request_count",
        "request_id",
        "retry_count",
        "status",
        "where",
    }
)
"""Every field an event may have.

None of them holds a prompt, an answer, a header or a key; ``key_id`` is a channel's key by its place.
"""

VALUE_LENGTH_MAX = 300
FRAMES_MAX = 4
"""Lines of code, up to the innermost, that an exception is logged with."""

Value = str | int | None

_logger = logging.getLogger("relay")
_logger.addHandler(logging.NullHandler())  # a command prints its own errors; only a server logs


def emit(event: str, **fields: Value) -> None:
    """Log *event* with *fields*, whose texts are cut to `VALUE_LENGTH_MAX` characters; as a warning if it is among them.

    Raises:
        ValueError: The event or a field is not on its list.
    """
    _log(logging.WARNING if event in WARNINGS else logging.INFO, event, fields)


def emit_exception(event: str, exc: BaseException, **fields: Value) -> None:
    """Log *event* with the type of *exc* and where it was raised, never with its message.

    A database error is logged by its code, such as ``SQLITE_FULL``, because its type says nothing.
    A plugin's error is logged with the plugin's id and file, and with what is wrong in words of relay's own.
    """
    _log(logging.ERROR, event, {**_culprit_of(exc), **fields, "error": kinds_of(exc), "where": place_of(exc)})


def kinds_of(exc: BaseException) -> str:
    """Return the type of *exc* and of what caused it, outermost first.

    >>> kinds_of(RuntimeError("secret"))
    'RuntimeError'
    """
    return " from ".join(getattr(each, "sqlite_errorname", None) or type(each).__name__ for each in _chain(exc))


def place_of(exc: BaseException) -> str:
    """Return the lines of code, as ``file:line``, through which the root cause of *exc* passed."""
    frames = traceback.extract_tb(_chain(exc)[-1].__traceback__)[-FRAMES_MAX:]
    return " > ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)


def _culprit_of(exc: BaseException) -> dict[str, Value]:
    """Return the plugin that *exc* or one of its causes names.

    A plugin that returned a wrong answer is in no traceback.
    """
    named = (each for each in _chain(exc) if isinstance(each, PluginError) and each.plugin)
    return next(({"plugin": each.plugin, "file": each.file, "problem": each.problem} for each in named), {})


def _chain(exc: BaseException) -> list[BaseException]:
    chain = [exc]
    while (cause := _cause_of(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _cause_of(exc: BaseException) -> BaseException | None:
    """Return what caused *exc*; of a group, such as a task group raises, its first exception."""
    return exc.exceptions[0] if isinstance(exc, BaseExceptionGroup) else exc.__cause__


def _log(level: int, event: str, fields: dict[str, Value]) -> None:
    if event not in EVENTS:
        raise ValueError(f"event '{event}' is not listed in observe.py")
    if unlisted := sorted(fields.keys() - FIELDS):
        raise ValueError(f"field '{unlisted[0]}' of event '{event}' is not listed in observe.py")
    kept = {name: value[-VALUE_LENGTH_MAX:] if isinstance(value, str) else value for name, value in fields.items()}
    _logger.log(level, event, extra={"fields": kept})


class JsonFormatter(logging.Formatter):
    """Writes what `emit` logged as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level and event first, then the event's fields."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "event": record.msg, **getattr(record, "fields", {})}
        return msgspec.json.encode(line).decode()


def log_to_stderr() -> None:
    """Write relay's events to stderr from now on. Called once per process, when it starts to serve."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    _logger.handlers = [handler]
    _logger.setLevel(logging.INFO)
    _logger.propagate = False
