"""The built-in plugins: everything a shop can choose, one file each.

``plugins/billing/token_ratio.py`` is the plugin ``billing.token_ratio``. They import from
``relay`` alone, as any other author's plugin does.
"""

if __name__ != "relay.plugins":
    raise ImportError(
        f"the built-in plugins are imported as 'relay.plugins', not as {__name__!r}; "
        "install the project (make install), and run your program from another folder "
        "if you meant a 'plugins' of your own"
    )
