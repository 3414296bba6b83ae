"""What ``relay run --demo`` hands out: an account with credit, a new key, and a curl command to paste."""

from pathlib import Path

import msgspec

from .clock import new_id
from .key_store import KeyStore
from .keys import api_key_digest, new_api_key
from .ledger.operations import Adjust, CreateAccount, CreateKey, RevokeKey
from .ledger.sqlite import SqliteLedger
from .money import NANO, format_nano
from .profile.structs import Profile

ACCOUNT = KEY_NAME = "demo"
CREDIT_NANO = 100 * NANO
"""Given at every start, so that the key handed out can always pay."""


async def hand_out_key(profile: Profile, data: Path) -> str:
    """Give the demo's account new credit, revoke the keys of earlier starts, and return a new key."""
    async with SqliteLedger.open(data, is_demo=True) as ledger, KeyStore.open(data) as keys:
        await ledger.create_account(CreateAccount(account_id=f"acc_{ACCOUNT}", name=ACCOUNT, actor="demo"))
        await ledger.adjust(
            Adjust(
                adjustment_id=new_id("demo"),
                account=ACCOUNT,
                amount_nano=CREDIT_NANO,
                direction="give",
                reason="a start of the demo",
                actor="demo",
            )
        )
        for key_id in await keys.keys_in_use(ACCOUNT, KEY_NAME):
            await ledger.revoke_key(RevokeKey(key_id=key_id, actor="demo"))
        api_key = new_api_key(profile.keys.prefix)
        await ledger.create_key(
            CreateKey(
                key_id=new_id("key"),
                account=ACCOUNT,
                name=KEY_NAME,
                digest=api_key_digest(api_key, profile.keys),
                last4=api_key[-4:],
                group=profile.default_group,
                actor="demo",
            )
        )
    return api_key


def demo_words(address: str, profile: Profile, api_key: str) -> str:
    """Return the text that shows the key and a command that works when pasted."""
    group, symbol = profile.default_group, profile.shop.unit.symbol
    section = next(one for one in profile.channels if group in one.groups)
    model = next(iter(section.upstream_names))
    body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "Hello!"}]}).decode()
    return "\n".join(
        [
            f"demo key: {api_key} (account {ACCOUNT}, {symbol}{format_nano(CREDIT_NANO)} of new credit, group {group})",
            "",
            f"curl {address}/v1/chat/completions \\",
            f"  -H 'authorization: Bearer {api_key}' \\",
            "  -H 'content-type: application/json' \\",
            f"  -d '{body}'",
        ]
    )
