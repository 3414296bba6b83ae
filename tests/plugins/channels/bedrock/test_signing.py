import sys

import pytest

from relay import PluginError, UpstreamRequest
from relay.plugins.channels.bedrock.signing import sign

REQUEST = UpstreamRequest(
    url="https://b.example/model/a%3A0/invoke", headers={"content-type": "application/json"}, body=b"{}"
)


def test_the_body_is_signed() -> None:
    """Another body, another signature; the secret is in neither."""
    one = sign(REQUEST, "us-east-1", "AKIDEXAMPLE:very-secret")
    other = sign(
        UpstreamRequest(url=REQUEST.url, headers=REQUEST.headers, body=b"{ }"), "us-east-1", "AKIDEXAMPLE:very-secret"
    )
    assert (
        one.headers["authorization"]
        .partition("Signature=")[0]
        .endswith("/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, ")
    )
    assert one.headers["authorization"] != other.headers["authorization"]
    assert "very-secret" not in str(one)
    assert one.body == b"{}"


def test_a_session_token_is_signed_too() -> None:
    """As temporary credentials need it."""
    signed = sign(REQUEST, "us-east-1", "ASIAEXAMPLE:secret:token==").headers
    assert signed["x-amz-security-token"] == "token=="
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in signed["authorization"]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install, and without the key."""
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(PluginError, match=r"pip install 'relayshop\[bedrock\]'") as caught:
        sign(REQUEST, "us-east-1", "AKIDEXAMPLE:very-secret")
    assert "very-secret" not in str(caught.value)
