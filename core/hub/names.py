"""Names that an answer needs and its upstream did not give."""

import secrets


def new_call_id() -> str:
    """Return an id for a tool call that came without one.

    It is sent back with the tool's result, perhaps weeks later and to another process, so it has
    to be unique without being remembered.
    """
    return f"call_relay{secrets.token_hex(8)}"
