"""The engine: everything between a customer's request and the upstream's answer.

It knows no plugin by name. Plugins and programs import from ``relay``, the front door;
what stands in here may change between versions without notice.
"""

if __name__ != "relay.core":
    raise ImportError(
        f"the engine is imported as 'relay.core', not as {__name__!r}; "
        "install the project (make install) and import from 'relay'"
    )
