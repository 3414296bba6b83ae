"""auth.api_key: who is let in, and how each refusal names its reason."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relay import ApiKeyRecord, Exchange, Principal, RejectedError, api_key_digest
from relay.core.profile.structs import Keys
from relay.plugins.auth.api_key import ApiKey, ApiKeyConfig, is_listed
from tests.services import NOW, KnownKeys, profile, services

KEYS = Keys(prefix="sk-", accepted_prefixes=("ak-",))
RECORD = ApiKeyRecord(
    id="key_1",
    account_id="acct_1",
    membership="default",
    group="plain",
    version=3,
    digest=api_key_digest("sk-secret", KEYS),
    expires_at=None,
    is_revoked=False,
    cap_nano=None,
    spent_nano=0,
    models=None,
    ips=(),
)


def exchange(api_key: str | None = "sk-secret", **fields: Any) -> Exchange:
    return Exchange(
        id="req_1",
        dialect="openai_chat",
        operation="chat",
        headers={},
        received_at=NOW,
        started_s=0.0,
        api_key=api_key,
        **fields,
    )


def plugin(**changes: Any) -> ApiKey:
    """The plugin of a shop whose only key is `RECORD` with *changes*."""
    keys = KnownKeys(msgspec.structs.replace(RECORD, **changes))
    return ApiKey(ApiKeyConfig(), services(profile(keys=KEYS), keys=keys))


async def refusal(auth: ApiKey, asked: Exchange) -> RejectedError:
    with pytest.raises(RejectedError) as caught:
        await auth.authenticate(asked)
    return caught.value


async def test_a_known_key_is_its_accounts_principal() -> None:
    """A good key says whose it is, with the version the ledger will compare."""
    assert await plugin(models=frozenset({"gpt-4o"})).authenticate(exchange()) == Principal(
        account_id="acct_1",
        key_id="key_1",
        key_version=3,
        group="plain",
        membership="default",
        models=frozenset({"gpt-4o"}),
        is_remembered=True,
    )


@pytest.mark.parametrize("api_key", ["ak-secret", "secret"])
async def test_any_accepted_prefix_or_none_may_stand_before_the_secret(api_key: str) -> None:
    """The digest of the secret decides; the prefix is a courtesy."""
    principal = await plugin().authenticate(exchange(api_key))
    assert principal is not None
    assert principal.key_id == "key_1"


@pytest.mark.parametrize("api_key", [None, "sk-other", "xk-secret", "sk-sk-secret", "SK-secret", "sk-secret "])
async def test_a_missing_or_unknown_key_is_left_to_other_plugins(api_key: str | None) -> None:
    """What this plugin does not know, another may."""
    assert await plugin().authenticate(exchange(api_key)) is None


async def test_a_fresh_authentication_does_not_rest_on_memory() -> None:
    """Asked afresh, the key is looked up and the principal says so."""
    asked = exchange()
    asked.is_fresh_authentication = True
    principal = await plugin().authenticate(asked)
    assert principal is not None
    assert not principal.is_remembered


@pytest.mark.parametrize(
    ("changes", "status", "code", "params"),
    [
        ({"is_revoked": True}, 401, "api_key_revoked", {}),
        ({"expires_at": NOW}, 401, "api_key_expired", {"expired_at": "2026-11-23T12:00:00Z"}),
        ({"cap_nano": 500_000_000, "spent_nano": 500_000_000}, 403, "api_key_exhausted", {"cap": "0.5"}),
        ({"ips": ("10.0.0.0/8",)}, 403, "access_denied", {"ip": "192.0.2.7"}),
        ({"group": "gone"}, 403, "group_not_found", {"group": "gone"}),
        ({"is_revoked": True, "expires_at": NOW, "group": "gone"}, 401, "api_key_revoked", {}),
    ],
)
async def test_each_refusal_has_its_own_code(
    changes: dict[str, Any], status: int, code: str, params: dict[str, str]
) -> None:
    """A customer learns why the key is refused, and the first reason is the gravest."""
    error = await refusal(plugin(**changes), exchange(client_ip="192.0.2.7"))
    assert (error.status, error.reason, error.params) == (status, code, params)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": NOW + timedelta(microseconds=1)},
        {"cap_nano": 2, "spent_nano": 1},
        {"ips": ("192.0.2.7",)},
    ],
)
async def test_a_key_just_inside_its_limits_is_let_in(changes: dict[str, Any]) -> None:
    """Expiry, cap and address list refuse at their border, not before."""
    assert await plugin(**changes).authenticate(exchange(client_ip="192.0.2.7")) is not None


@pytest.mark.parametrize(
    ("client_ip", "networks", "expected"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8", "11.1.2.0/24"), True),
        ("10.1.2.3", ("10.1.2.9/24",), True),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("2001:db8::1", ("2001:db8::/32",), True),
        ("2001:db8::1", ("10.0.0.0/8",), False),
        ("10.1.2.3", ("2001:db8::/32",), False),
        ("", ("0.0.0.0/0",), False),
        ("unix:", ("0.0.0.0/0", "::/0"), False),
    ],
)
def test_an_address_is_looked_for_in_every_network(client_ip: str, networks: tuple[str, ...], expected: bool) -> None:
    """IPv4, IPv6 and IPv4 written as IPv6 are told apart; what is no address is let in nowhere."""
    assert is_listed(client_ip, networks) is expected
