import msgspec
import pytest

from relay import BadRequestError, ChannelRequest, ChannelSection
from relay.plugins.channels.gemini import Gemini, GeminiConfig
from tests.services import services


def channel(base_url: str | None = None, **settings: str) -> Gemini:
    section = ChannelSection(name="one", use="channels.gemini", base_url=base_url, models=("m",), groups=("g",))
    return Gemini(GeminiConfig(**settings), services(), section)


def request(model: str = "gemini-x", headers: dict[str, str] | None = None, *, stream: bool = False) -> ChannelRequest:
    return ChannelRequest(
        dialect="gemini_generate",
        operation="chat",
        model=model,
        query="alt=sse" if stream else "",
        fields={"contents": msgspec.Raw(b"[1 ]")},
        headers=headers or {},
        stream=stream,
    )


@pytest.mark.parametrize(
    ("base_url", "settings", "url"),
    [
        (None, {}, "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent"),
        ("https://up.example/", {}, "https://up.example/v1beta/models/gemini-x:generateContent"),
        ("https://up.example", {"version": "v1"}, "https://up.example/v1/models/gemini-x:generateContent"),
        ("https://up.example/v1", {}, "https://up.example/v1/models/gemini-x:generateContent"),
        ("https://up.example/gemini", {}, "https://up.example/gemini/v1beta/models/gemini-x:generateContent"),
    ],
)
def test_the_model_and_the_version_stand_in_the_path(base_url: str | None, settings: dict[str, str], url: str) -> None:
    """v1beta unless the channel says otherwise."""
    assert channel(base_url, **settings).build(request(), "k").url == url


def test_a_stream_has_an_action_and_a_query_of_its_own() -> None:
    """And the framing that was asked for."""
    built = channel("https://up.example").build(request(stream=True), "k")
    assert built.url == "https://up.example/v1beta/models/gemini-x:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(("fields", "action"), [("content", "embedContent"), ("requests", "batchEmbedContents")])
def test_embeddings_are_asked_for_one_by_one_or_together(fields: str, action: str) -> None:
    """As the customer did."""
    embed = ChannelRequest(
        dialect="gemini_generate",
        operation="embeddings",
        model="e-1",
        fields={fields: msgspec.Raw(b"[]")},
        headers={},
        stream=False,
    )
    assert channel("https://up.example").build(embed, "k").url == f"https://up.example/v1beta/models/e-1:{action}"


def test_an_interaction_has_a_place_of_its_own() -> None:
    """Its model stands in the body, whether it streams or not."""
    asked = ChannelRequest(
        dialect="gemini_interactions",
        operation="chat",
        model="gemini-x",
        query="alt=sse",
        fields={},
        headers={},
        stream=True,
    )
    assert channel("https://up.example").build(asked, "k").url == "https://up.example/v1beta/interactions?alt=sse"


def test_a_model_s_name_cannot_leave_its_place_in_the_path() -> None:
    """Whatever a profile maps it to."""
    built = channel("https://up.example").build(request("a?b#c:d"), "k")
    assert built.url == "https://up.example/v1beta/models/a%3Fb%23c%3Ad:generateContent"


def test_body_and_headers_are_the_requests_own_with_our_key() -> None:
    """The key stands in its header, never in the address."""
    built = channel().build(request(headers={"x-goog-api-key": "customer"}), "k")
    assert (built.method, built.body) == ("POST", b'{"contents":[1 ]}')
    assert built.headers == {"content-type": "application/json", "x-goog-api-key": "k"}


def test_a_header_that_cannot_travel_is_refused() -> None:
    """Nothing is sent."""
    with pytest.raises(BadRequestError):
        channel().build(request(headers={"x": "a\nb"}), "k")


def test_a_kept_interaction_is_asked_for_by_its_id_and_without_a_body() -> None:
    """With the method that goes with it."""
    asked = ChannelRequest(
        dialect="gemini_interactions",
        operation="kept_answer",
        model="m",
        fields={},
        headers={},
        stream=False,
        method="GET",
        subpath="/v1_a",
        query="stream=true",
    )
    built = channel("https://up.example").build(asked, "k")
    assert built.url == "https://up.example/v1beta/interactions/v1_a?stream=true"
    assert (built.method, built.body) == ("GET", b"")
