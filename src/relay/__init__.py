"""relay: the framework that LLM-API shops run on. This is its front door.

Authors of plugins import from here and from nowhere else in the package.
"""

from relay.core.caps import cap_numbers, check_caps
from relay.core.charge import Charge, ChargeLine
from relay.core.clock import Clock
from relay.core.errors import (
    AuthenticationError,
    BadRequestError,
    NotAllowedError,
    PluginError,
    RejectedError,
    RelayError,
    UpstreamBrokenError,
    UpstreamConnectError,
    UpstreamError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from relay.core.exchange import (
    Attempt,
    Candidate,
    Channel,
    ChannelRequest,
    Claim,
    Dialect,
    Evidence,
    Exchange,
    PriceFacts,
    Principal,
    RequestRecord,
)
from relay.core.framing import Reframed
from relay.core.hooks import Meter, hookimpl
from relay.core.keys import api_key_digest
from relay.core.money import Exact, format_exact, format_nano, parse_amount, parse_exact, to_nano
from relay.core.plugin import ApiKeyRecord, ApiKeys, ChannelPlugin, Plugin, PluginConfig, Services
from relay.core.profile.structs import (
    ChannelSection,
    Group,
    GroupName,
    Membership,
    ModelName,
    ModelPrice,
    Profile,
    ToolPrices,
)
from relay.core.transport import (
    BytesResponse,
    Deadlines,
    Transport,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamSocket,
    check_forwarded_headers,
    endpoint_url,
)
from relay.core.usage import Iteration, TokenCounts, Usage

__version__ = "0.1.0"

__all__ = [
    "ApiKeyRecord",
    "ApiKeys",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "BytesResponse",
    "Candidate",
    "Channel",
    "ChannelPlugin",
    "ChannelRequest",
    "ChannelSection",
    "Charge",
    "ChargeLine",
    "Claim",
    "Clock",
    "Deadlines",
    "Dialect",
    "Evidence",
    "Exact",
    "Exchange",
    "Group",
    "GroupName",
    "Iteration",
    "Membership",
    "Meter",
    "ModelName",
    "ModelPrice",
    "NotAllowedError",
    "Plugin",
    "PluginConfig",
    "PluginError",
    "PriceFacts",
    "Principal",
    "Profile",
    "Reframed",
    "RejectedError",
    "RelayError",
    "RequestRecord",
    "Services",
    "TokenCounts",
    "ToolPrices",
    "Transport",
    "UpstreamBrokenError",
    "UpstreamConnectError",
    "UpstreamError",
    "UpstreamRequest",
    "UpstreamResponse",
    "UpstreamSocket",
    "UpstreamStatusError",
    "UpstreamTimeoutError",
    "Usage",
    "api_key_digest",
    "cap_numbers",
    "check_caps",
    "check_forwarded_headers",
    "endpoint_url",
    "format_exact",
    "format_nano",
    "hookimpl",
    "parse_amount",
    "parse_exact",
    "to_nano",
]
