"""An upstream that replays tool loops of ``wire/`` to agents: a recorded call, and after its result a recorded text.

The call is of a tool that no agent has, such as ``get_date``. So two things are another's wherever its bytes have them:
the tool's name is that of the agent's own shell tool, and the arguments are a command for it, in as many deltas as were
recorded, each but the last as long. All else is as recorded: headers, ids, thoughts, signatures, the order and the form
of the events, usage. The text is as recorded. An agent that offers no shell tool gets it at once.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from relay.core.exchange import Dialect
from tests.upstreams import Received, Step
from tests.wire.recordings import ENDPOINTS, load
from tests.wire.replay import play

SHELLS = {"exec_command": "cmd", "Bash": "command", "run_shell_command": "command"}
"""The shell tools of Codex, Claude Code and Gemini CLI, each with the argument that takes the command."""
COMMAND = "printf relay-%s-back and"
PRINTED = "relay-and-back"
"""What the shell prints; it stands nowhere in the command."""
_DELTA = re.compile(r'(?<="delta":)("(?:[^"\\]|\\.)*")')
_CALL_ID = re.compile(r'"(?:id|call_id)":"((?:toolu|call)_\w+)"')
_SIGNATURE = re.compile(r'"(?:signature|thoughtSignature)": ?"([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Two recordings of a dialect: of a call, and of a text that says ``told``.

    The recorded call is of ``tool``, with ``arguments``, which ``spelled`` writes as the dialect does: by default as a text
    of their own. Its bytes have both as in ``tool_at`` and ``arguments_at``, wherever these stand.
    """

    dialect: Dialect
    call: str
    text: str
    told: str
    tool: str
    tool_at: str
    arguments: str
    arguments_at: str
    spelled: Callable[[str], str] = json.dumps

    @property
    def recorded_call(self) -> bytes:
        """The bytes of the call as recorded."""
        return load(self.call, self.dialect).raw

    @property
    def call_ids(self) -> set[str]:
        """The ids that the call goes by."""
        return set(_CALL_ID.findall(self.recorded_call.decode()))

    @property
    def signatures(self) -> set[str]:
        """What sealed the call, or the thought before it."""
        return set(_SIGNATURE.findall(self.recorded_call.decode()))

    def calling(self, tool: str, arguments: str) -> bytes:
        """Return the bytes of the call as recorded, but of another tool with other arguments."""
        raw = self.recorded_call.decode()
        raw = _replaced(raw, *(self.tool_at % json.dumps(each) for each in (self.tool, tool)))
        raw = _replaced(raw, *(self.arguments_at % self.spelled(each) for each in (self.arguments, arguments)))
        return _with_deltas(raw, arguments).encode()


def _replaced(raw: str, old: str, new: str) -> str:
    assert old in raw, f"{old} was not recorded"
    return raw.replace(old, new)


def _with_deltas(raw: str, arguments: str) -> str:
    """Cut *arguments* into the deltas of *raw*; only Responses have a text for a delta."""
    parts = _DELTA.split(raw)
    for index in range(1, len(parts), 2):
        size = len(arguments) if index == len(parts) - 2 else len(json.loads(parts[index]))
        parts[index], arguments = json.dumps(arguments[:size]), arguments[size:]
    return "".join(parts)


LOOPS = (
    Loop(
        dialect="openai_chat",
        call="openai-chat/tools-stream",
        text="openai-chat/stream-usage",
        told="This is a test.",
        tool="get_date",
        tool_at='"name":%s,"arguments"',
        arguments="{}",
        arguments_at='"arguments":%s}}]}',
    ),
    Loop(
        dialect="anthropic_messages",
        call="anthropic/thinking-tools-stream",
        text="anthropic/cache-mixed-stream",
        told="That was May 2014.",
        tool="fixed_version",
        tool_at='"name":%s,"input"',
        arguments="",
        arguments_at='"partial_json":%s',
    ),
    Loop(
        dialect="openai_responses",
        call="openai-responses/tools-stream",
        text="openai-responses/cached-stream",
        told="2, 3, 4",
        tool="weather",
        tool_at='"name":%s}',
        arguments='{"location":"Florence, Italy"}',
        arguments_at='"arguments":%s',
    ),
    Loop(
        dialect="gemini_generate",
        call="gemini/tools-signature-stream",
        text="gemini/thought-parts-stream",
        told="2 + 2 = 4",
        tool="secret_retrieval_tool",
        tool_at='"name": %s,"args"',
        arguments='{"password": "radiance"}',
        arguments_at='"args": %s',
        spelled=str,
    ),
)


def script(request: Received) -> list[Step]:
    """Call the agent's shell tool, or tell the text."""
    [loop] = [each for each in LOOPS if request.path.startswith(ENDPOINTS[each.dialect])]
    offered = {str(each.get("name")) for each in _objects(request.document.get("tools"))}
    if results(request) or not offered & SHELLS.keys():
        return play(load(loop.text, loop.dialect), seed=1)
    [shell] = offered & SHELLS.keys()
    arguments = json.dumps({SHELLS[shell]: COMMAND, "description": "Say it"})
    return play(load(loop.call, loop.dialect), seed=1, raw=loop.calling(shell, arguments))


def results(request: Received) -> list[dict[str, object]]:
    """Return the results of tools in *request*, in the form of any dialect."""
    return [each for each in _objects(request.document) if _is_result(each)]


def _is_result(each: dict[str, object]) -> bool:
    is_item = each.get("type") in ("tool_result", "function_call_output")
    return is_item or each.get("role") == "tool" or "functionResponse" in each


def _objects(value: object) -> Iterator[dict[str, object]]:
    """Give every object in *value*, the outer before the inner."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _objects(each)
