import httpx
import pytest

from relay.plugins.channels.simulator.answer import NotKeptError, UnreadableError
from relay.plugins.channels.simulator.questions import kind_of, read_question

GEMINI = "/v1beta/models/m%2Bempty:streamGenerateContent"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", b"{"),
        ("/v1/chat/completions", b"[]"),
        ("/v1/chat/completions", b"[" * 100_000),
        ("/v1/chat/completions", b"{}"),
        ("/v1/chat/completions", b'{"model":1}'),
        ("/elsewhere", b'{"model":"m"}'),
        ("/v1beta/models/m:countTokens", b"{}"),
        ("/v1beta/models/m:generateContent", b"[]"),
    ],
)
def test_unreadable_request_is_named_so(path: str, body: bytes) -> None:
    """What is no request of an endpoint is an error of its own."""
    with pytest.raises(UnreadableError):
        read_question(path, body, None)


def test_behaviour_is_the_channels_own_or_the_models_suffix() -> None:
    """The setting goes before what stands behind the model's plus sign."""
    body = b'{"model":"a-model+empty"}'
    found = [read_question("/v1/chat/completions", body, setting).behaviour for setting in (None, "429")]
    assert found == ["empty", "429"]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/v1/chat/completions", "openai_chat"),
        ("/v1/responses?x=1", "openai_responses"),
        ("/v1/messages", "anthropic_messages"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/models/m:generateContent", "gemini_generate"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", "gemini_generate"),
        ("/v1beta/models/m:streamGenerateContent", "gemini_array"),
        ("/v1beta/models/m:batchEmbedContents", "gemini_embeddings"),
        ("/v1beta/interactions", "gemini_interactions"),
        ("/v1/audio/translations", "transcription"),
        ("/v1/images/edits", "image_edit"),
        ("/v1beta/elsewhere", "gemini_generate"),
        ("/elsewhere", "openai_chat"),
    ],
)
def test_a_path_says_what_is_spoken(target: str, kind: str) -> None:
    """Its query too: Gemini's stream is one array unless events are asked for."""
    assert kind_of(target) == kind


def test_gemini_s_model_and_stream_stand_in_the_path() -> None:
    """Whatever the body says."""
    question = read_question(GEMINI, b'{"contents":[],"model":"other","stream":false}', None)
    assert (question.model, question.behaviour, question.stream) == ("m+empty", "empty", True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", b'{"model":"m","instructions":"one","input":"two"}'),
        (GEMINI, b'{"systemInstruction":[1],"contents":[12]}'),
    ],
)
def test_every_dialect_s_input_is_counted(path: str, body: bytes) -> None:
    """Ten bytes, or seven: three tokens, or two."""
    assert read_question(path, body, None).input_tokens == {"/v1/responses": 3}.get(path, 2)


@pytest.mark.parametrize(
    "path", ["/v1/responses/resp_sim", "/v1/responses/resp_sim/cancel", "/v1beta/interactions/v1_sim"]
)
def test_an_answer_given_before_is_kept_nowhere(path: str) -> None:
    """Whoever asks for it."""
    with pytest.raises(NotKeptError):
        read_question(path, b"", None)


def test_a_form_is_read_like_an_object() -> None:
    """Its model, its switch, its files; the prompt is its input."""
    data = {"model": "m+429", "stream": "True", "prompt": "hi there"}
    request = httpx.Request("POST", "http://x", data=data, files={"file": ("a.mp3", b"abc")})
    question = read_question("/v1/audio/transcriptions", request.read(), None, request.headers["content-type"])
    assert (question.model, question.behaviour, question.stream) == ("m+429", "429", True)
    assert (question.input_tokens, question.files) == (2, {"file": [b"abc"]})
