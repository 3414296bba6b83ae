"""What Vertex is asked where a model embeds: wishes in an object of their own, the model in the address."""

import msgspec
import pytest

from relay import BadRequestError, ChannelRequest
from relay.plugins.channels.vertex.embeddings import vertex_embeddings
from tests.plugins.channels.vertex.test_channel import channel


def fields(body: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(body, type=dict[str, msgspec.Raw])


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (b'{"content":{"parts" :[]}}', b'{"content":{"parts" :[]}}'),
        (
            b'{"model":"models/m","content":{},"title":"T","task_type":"X","outputDimensionality":2}',
            b'{"content":{},"embedContentConfig":{"task_type":"X","title":"T","outputDimensionality":2}}',
        ),
        (
            b'{"embedContentConfig":{"title":"old","autoTruncate":true},"content":{},"title":"new"}',
            b'{"content":{},"embedContentConfig":{"title":"new","autoTruncate":true}}',
        ),
        (
            b'{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"X"},{"content":{}}]}',
            b'{"requests":[{"content":{"parts":[{"text":"a"}]},"embedContentConfig":{"taskType":"X"}},{"content":{}}]}',
        ),
        (b'{"content":{},"embedContentConfig":null,"title":"T"}', b'{"content":{},"embedContentConfig":{"title":"T"}}'),
        (b'{"content":{},"embedContentConfig":null}', b'{"content":{}}'),
    ],
)
def test_wishes_stand_in_an_object_of_their_own(asked: bytes, sent: bytes) -> None:
    """Each value byte for byte; what is newer wins over what stood there."""
    assert msgspec.json.encode(vertex_embeddings(fields(asked))) == sent


def test_what_is_nested_too_deep_is_refused() -> None:
    """By name, as the door would have."""
    deep = b"[" * 100_000 + b"]" * 100_000
    asked = ChannelRequest(
        dialect="gemini_generate",
        operation="embeddings",
        model="gemini-embedding-001",
        fields={"requests": msgspec.Raw(b'[{"content":' + deep + b"}]")},
        headers={},
        stream=False,
    )
    with pytest.raises(BadRequestError):
        channel("google")._body(asked)
