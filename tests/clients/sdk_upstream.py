"""An upstream for SDKs, in every dialect: says pong, calls a tool, tells its result, thinks, keeps to a schema.

What it says is written by the simulator's dialects, whose shapes are held against the vendors' own types.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from relay.plugins.channels.simulator.answer import Answer, Kind
from relay.plugins.channels.simulator.asked import Asked
from relay.plugins.channels.simulator.dialects import DIALECTS
from relay.plugins.channels.simulator.questions import read_question
from relay.plugins.channels.simulator.reply import error_reply, honest, write_down
from tests.upstreams import Received, Step, stream

PLACE = '{"city":"Lisbon"}'


def script(request: Received) -> Iterable[Step]:
    """Answer what was asked in the path's dialect; "fail" is refused as one request too many."""
    question = read_question(request.path, request.body, None)
    asked = DIALECTS[question.kind].asked(question.fields)
    if asked.words == "fail":
        return honest(error_reply(question.kind, 429, "rate_limit_error", "slow down", "retry-after: 1"))
    is_told = b"sunny in Lisbon" in request.body
    reply = write_down(_answer(question.kind, asked, is_told=is_told), stream=question.stream)
    return stream(reply.body, seed=1) if question.stream else honest(reply)


def _answer(kind: Kind, asked: Asked, *, is_told: bool) -> Answer:
    plain = Answer(kind=kind, model="upstream-model", input_tokens=5, is_usage_asked=asked.is_usage_wanted)
    if is_told:
        return replace(plain, text="It is sunny")
    if asked.tools:
        return replace(plain, tool_name=next(iter(asked.tools)), tool_arguments=PLACE, stop="tool")
    if asked.schema is not None:
        return replace(plain, text=PLACE)
    return replace(plain, text="pong", thinking="hm" if asked.is_thinking else "")
