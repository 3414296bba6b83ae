"""What the agents' upstream replays is what was recorded, but for the tool that is called and what with."""

import pytest

from tests.core.hub.recorded import events

from .agent_upstream import LOOPS, Loop

ARGUMENTS = '{"command": "printf \\"%s\\" 1,2", "description": ","}'


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.dialect)
def test_a_call_of_the_recorded_tool_is_the_recorded_call(loop: Loop) -> None:
    """Its own tool with its own arguments gives back every byte: nothing else is touched."""
    assert loop.calling(loop.tool, loop.arguments) == loop.recorded_call


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.dialect)
def test_a_call_of_another_tool_has_the_recorded_events(loop: Loop) -> None:
    """As many, of the same members in the same order."""
    assert [list(each) for each in events(loop.calling("Bash", ARGUMENTS))] == [
        list(each) for each in events(loop.recorded_call)
    ]


def test_the_deltas_of_a_call_make_its_arguments() -> None:
    """The eight deltas of the recording are eight again, and together what is asked for."""
    [loop] = [each for each in LOOPS if each.dialect == "openai_responses"]
    told = events(loop.calling("Bash", ARGUMENTS))
    deltas = [each["delta"] for each in told if each["type"] == "response.function_call_arguments.delta"]
    assert (len(deltas), "".join(deltas)) == (8, ARGUMENTS)
