"""Makes ids for tool calls whose upstream gave none."""

import secrets


def new_call_id() -> str:
    """Return an id for a tool call that came without one.

    It comes back with the tool's result, perhaps weeks later and to another process, so it must be
    unique without being stored.
    """
    return f"call_relay{secrets.token_hex(8)}"
