"""A service account and the place where Google would exchange it, which checks what it is shown."""

import json
from functools import cache
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.upstreams import Received, Step, document

AUDIENCE = "https://oauth2.googleapis.com/token"
"""Whatever the account's own address of exchange is."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@cache
def private_key() -> rsa.RSAPrivateKey:
    """Return the one key of all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def account(url: str) -> str:
    """Return the JSON of a service account whose tokens come from *url*."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "a-project",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "shop@a-project.iam.gserviceaccount.com",
            "token_uri": f"{url}/token",
        }
    )


def exchange(received: Received, *, token: str = "ya29.canary", expires_in: int = 3600) -> list[Step]:
    """Return the steps that hand out *token*, once the assertion has proved to be the account's own."""
    [assertion] = parse_qs(received.body.decode())["assertion"]
    pem = (
        private_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    claims = jwt.decode(assertion, certs=pem, audience=AUDIENCE)  # type: ignore[no-untyped-call]
    assert claims["iss"] == "shop@a-project.iam.gserviceaccount.com"
    assert claims["scope"] == SCOPE
    return document({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"})
