"""Signs requests by Signature Version 4, with AWS's own library, which is imported only if a key needs it."""

import msgspec

from relay import PluginError, UpstreamRequest

SERVICE = "bedrock"
"""The service name in signatures for bedrock-runtime.

Source: botocore's service model, ``signingName``; read 2026-11-24.
"""


def sign(request: UpstreamRequest, region: str, api_key: str) -> UpstreamRequest:
    """Return *request* with the headers that sign its URL, headers and body.

    *api_key* is ``ID:SECRET``, or ``ID:SECRET:SESSION_TOKEN``.

    Raises:
        PluginError: botocore is not installed.
    """
    try:
        from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
        from botocore.credentials import Credentials  # type: ignore[import-untyped]
    except ImportError as exc:
        raise PluginError(
            "channels.bedrock: a key of an id and a secret needs botocore: pip install 'relayshop[bedrock]',"
            " or use an API key of Bedrock"
        ) from exc
    signed = AWSRequest(request.method, request.url, headers=dict(request.headers), data=request.body)
    SigV4Auth(Credentials(*api_key.split(":", 2)), SERVICE, region).add_auth(signed)
    return msgspec.structs.replace(request, headers={name.lower(): value for name, value in signed.headers.items()})
