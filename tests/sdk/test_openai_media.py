"""Sound and pictures through OpenAI's own SDK: what the customer gets, what the upstream was sent, what it costs."""

import base64
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from relay.core.form import Form
from tests.shops import Running, reselling, serving
from tests.upstreams import Received, Step, Upstream, document, stream

PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins:
  - use: auth.api_key
  - use: routing.priority_weighted
  - use: billing.token_ratio
  - use: billing.per_call
groups:
  plain: {{ratio: "1.5"}}
prices:
  whisper-1: {{unit_price: "0.0001"}}
  scribe: {{model_ratio: "1.25", completion_ratio: "4", audio_ratio: "2"}}
  tts-1: {{unit_price: "0.000015"}}
  tts-mini: {{model_ratio: "0.3", audio_completion_ratio: "20"}}
  dall-e-2: {{unit_price: "0.02", unit_prices: [{{size: 512x512, price: "0.018"}}]}}
  gpt-image-1.5: {{model_ratio: "2.5", completion_ratio: "2", image_ratio: "1.6", image_completion_ratio: "4"}}
channels:
  - name: one
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [{{name: whisper-1, upstream: whisper-large-v3}}, scribe, tts-1, tts-mini, dall-e-2, gpt-image-1.5]
    groups: [plain]
"""
SOUND = b"ID3" + bytes(range(256)) * 40
PICTURE = base64.b64encode(bytes(range(256))).decode()
HEARD = {"type": "tokens", "total_tokens": 49, "input_tokens": 37, "output_tokens": 12}
HEARD_DETAILS = {**HEARD, "input_token_details": {"text_tokens": 0, "audio_tokens": 37}}
PICTURE_USAGE = {
    "input_tokens": 221,
    "input_tokens_details": {"image_tokens": 194, "text_tokens": 27},
    "output_tokens": 415,
    "output_tokens_details": {"image_tokens": 272, "text_tokens": 143},
    "total_tokens": 636,
}


class Till:
    """A shop in front of an upstream, and the SDK of its customer."""

    def __init__(self, shop: Running, upstream: Upstream, client: openai.AsyncOpenAI) -> None:
        self.shop = shop
        self.upstream = upstream
        self.client = client

    async def row(self) -> tuple[str, int, str]:
        """Return outcome, charge and source of usage of the one exchange in the log."""
        [row] = await self.shop.log()
        return row["outcome"], row["charge_nano"], row["usage_source"]


@asynccontextmanager
async def till(
    folder: Path, script: Callable[[Received], list[Step]], *, profile: str = PROFILE
) -> AsyncIterator[Till]:
    upstream = Upstream(script)
    async with (
        upstream.opened(),
        serving(folder, upstream.url, profile=profile) as shop,
        openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client,
    ):
        yield Till(shop, upstream, client)


def events(*said: dict[str, Any], done: str = "") -> list[Step]:
    return stream("".join(f"data: {json.dumps(each)}\n\n" for each in said) + done, seed=3)


def text_document(text: str) -> list[Step]:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len(text)}\r\n\r\n"
    return [head.encode() + text.encode()]


def sound(ending: Step = b"0\r\n\r\n") -> list[Step]:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
    return [head, f"{len(SOUND):x}\r\n".encode() + SOUND + b"\r\n", 0.01, ending]


async def test_whisper_is_paid_by_the_second_it_heard(tmp_path: Path) -> None:
    """4 seconds at 0.0001 and 1.5; the form reaches the upstream as it came, but for the model's name."""
    answer = {"text": "Ruby", "usage": {"type": "duration", "seconds": 4}}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        made = await shop.client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))
        [sent] = shop.upstream.received
        form = Form(sent.body, sent.headers["content-type"])
        assert made.text == "Ruby"
        assert (sent.path, [bytes(each) for each in form.files("file")]) == ("/v1/audio/transcriptions", [SOUND])
        assert bytes(form.fields["model"]) == b'"whisper-large-v3"'
        assert await shop.row() == ("complete", 600_000, "upstream")


async def test_whisper_is_azures_deployment_whatever_the_form_says(tmp_path: Path) -> None:
    """The path's name is the model and the price; the form's own is replaced, its file as it came."""
    answer = {"text": "Ruby", "usage": {"type": "duration", "seconds": 4}}
    async with (
        till(tmp_path, lambda _: document(answer)) as shop,
        openai.AsyncAzureOpenAI(
            azure_endpoint=shop.shop.url,
            azure_deployment="whisper-1",
            api_key=shop.shop.api_key,
            api_version="2024-10-21",
            max_retries=0,
        ) as client,
    ):
        made = await client.audio.transcriptions.create(model="tts-1", file=("a.mp3", SOUND))
        [sent] = shop.upstream.received
        form = Form(sent.body, sent.headers["content-type"])
        assert made.text == "Ruby"
        assert bytes(form.fields["model"]) == b'"whisper-large-v3"'
        assert [bytes(each) for each in form.files("file")] == [SOUND]
        assert await shop.row() == ("complete", 600_000, "upstream")


async def test_a_transcript_in_events_is_paid_by_its_tokens(tmp_path: Path) -> None:
    """37 of sound at twice the text, 12 of text at four times: (74 + 48) x 1.25 x 1.5 quota."""
    said = [{"type": "transcript.text.delta", "delta": piece} for piece in ("Ruby", " is")]
    end = {"type": "transcript.text.done", "text": "Ruby is", "usage": HEARD_DETAILS}
    async with till(tmp_path, lambda _: events(*said, end, done="data: [DONE]\n\n")) as shop:
        stream = await shop.client.audio.transcriptions.create(model="scribe", file=("a.mp3", SOUND), stream=True)
        got = [event async for event in stream]
        assert [event.type for event in got] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
        assert await shop.row() == ("complete", 457_500, "upstream")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's, for whisper's retirement in 2027
async def test_subtitles_are_paid_by_where_they_end(tmp_path: Path) -> None:
    """No figures come with them: the last ends at 2.5 s, so 3 seconds, marked as estimated."""
    srt = "1\n00:00:00,000 --> 00:00:02,500\nHi\n"
    async with till(tmp_path, lambda _: text_document(srt)) as shop:
        made = await shop.client.audio.translations.create(
            model="whisper-1", file=("a.mp3", SOUND), response_format="srt"
        )
        assert (made, shop.upstream.received[0].path) == (srt, "/v1/audio/translations")
        assert await shop.row() == ("complete", 450_000, "estimated")


async def test_speech_is_paid_by_the_character(tmp_path: Path) -> None:
    """22 characters at 0.000015 and 1.5; the sound arrives byte for byte, as the kind the upstream calls it."""
    async with till(tmp_path, lambda _: sound()) as shop:
        made = await shop.client.audio.speech.create(model="tts-1", voice="alloy", input="This is a speech test!")
        assert (made.content, made.response.headers["content-type"]) == (SOUND, "audio/mpeg")
        assert await shop.row() == ("complete", 495_000, "estimated")


async def test_speech_in_events_is_paid_by_its_tokens(tmp_path: Path) -> None:
    """14 of text, 101 of sound at 20 times: 2034 x 0.3 x 1.5 quota."""
    said = {"type": "speech.audio.delta", "audio": PICTURE}
    end = {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}}
    async with till(tmp_path, lambda _: events(said, end)) as shop:
        made = await shop.client.audio.speech.create(
            model="tts-mini", voice="alloy", input="Hello", stream_format="sse"
        )
        assert made.content == b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in (said, end))
        assert await shop.row() == ("complete", 1_830_600, "upstream")


async def test_sound_that_breaks_off_never_ends_in_order(tmp_path: Path) -> None:
    """The customer's connection breaks too; its text was read, so its characters are paid for."""
    async with till(tmp_path, lambda _: sound("reset")) as shop:
        with pytest.raises(openai.APIConnectionError):
            await shop.client.audio.speech.create(model="tts-1", voice="alloy", input="This is a speech test!")
        assert await shop.row() == ("truncated", 495_000, "estimated")


async def test_a_form_of_pictures_is_changed_and_paid_by_its_tokens(tmp_path: Path) -> None:
    """Two pictures and a mask in; text, pictures in and pictures out each at its price: 11821 x 1.5 x 1000."""
    answer = {"created": 1, "data": [{"b64_json": PICTURE}], "size": "1024x1024", "usage": PICTURE_USAGE}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        made = await shop.client.images.edit(
            model="gpt-image-1.5",
            prompt="green",
            image=[("a.png", SOUND, "image/png"), ("b.png", SOUND, "image/png")],
            mask=("m.png", SOUND, "image/png"),
        )
        [sent] = shop.upstream.received
        assert made.data is not None
        assert (made.data[0].b64_json, sent.path) == (PICTURE, "/v1/images/edits")
        assert len(Form(sent.body, sent.headers["content-type"]).files("image[]", "mask")) == 3
        assert await shop.row() == ("complete", 17_731_500, "upstream")


async def test_a_streamed_change_shows_its_parts_and_is_paid_once(tmp_path: Path) -> None:
    """A partial picture, then the whole one with the usage."""
    part = {"type": "image_edit.partial_image", "b64_json": PICTURE, "partial_image_index": 0}
    end = {"type": "image_edit.completed", "b64_json": PICTURE, "size": "1024x1024", "usage": PICTURE_USAGE}
    async with till(tmp_path, lambda _: events(part, end)) as shop:
        stream = await shop.client.images.edit(
            model="gpt-image-1.5", prompt="green", image=("a.png", SOUND, "image/png"), stream=True
        )
        got = [event async for event in stream]
        assert [event.type for event in got] == ["image_edit.partial_image", "image_edit.completed"]
        assert await shop.row() == ("complete", 17_731_500, "upstream")


DRAFT = {"type": "image_generation.partial_image", "b64_json": PICTURE, "partial_image_index": 0}
DRAWN = {"type": "image_generation.completed", "b64_json": PICTURE, "size": "1024x1024", "usage": PICTURE_USAGE}


@pytest.mark.parametrize(
    ("model", "said", "charge_nano"),
    [
        # One at 0.02 and 1.5.
        ("dall-e-2", [DRAFT], 30_000_000),
        ("dall-e-2", [DRAWN, DRAFT], 30_000_000),
        # 7 of text, 100 drawn at 1.6 x 4: 2.5 times 647 quota and 1.5.
        ("gpt-image-1.5", [DRAFT], 4_852_500),
        # 27 of text, 194 of pictures at 1.6; 143 of text at 2, 272 drawn at 1.6 x 4: 2.5 times 2364.2 quota and 1.5.
        ("gpt-image-1.5", [DRAWN], 17_731_500),
    ],
)
async def test_who_leaves_with_a_draft_or_the_first_of_two_pays_for_a_picture(
    tmp_path: Path, model: str, said: list[dict[str, Any]], charge_nano: int
) -> None:
    """A draft is most of a picture; of a whole one the upstream's own figures count, although another was to follow."""
    text = "".join(f"data: {json.dumps(each)}\n\n" for each in said)
    async with till(tmp_path, lambda _: stream(text, ending="open")) as shop:
        drawn = await shop.client.images.generate(model=model, prompt="Cat", n=2, stream=True)
        for _ in said:
            await anext(drawn)
        await drawn.close()
        assert await shop.row() == ("customer_gone", charge_nano, "estimated")


async def test_a_draft_costs_nothing_where_who_leaves_pays_for_the_input_alone(tmp_path: Path) -> None:
    """A picture that is sold apiece has no input to pay for."""
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: input_only}}\nchannels:\n", 1)
    begun = stream(f"data: {json.dumps(DRAFT)}\n\n", ending="open")
    async with till(tmp_path, lambda _: begun, profile=profile) as shop:
        drawn = await shop.client.images.generate(model="dall-e-2", prompt="Cat", stream=True)
        await anext(drawn)
        await drawn.close()
        assert await shop.row() == ("customer_gone", 0, "estimated")


async def test_a_draft_that_its_upstream_broke_off_costs_no_picture(tmp_path: Path) -> None:
    """It is not the customer who left."""
    async with till(tmp_path, lambda _: events(DRAFT)) as shop:
        with pytest.raises(openai.APIError):
            [_ async for _ in await shop.client.images.generate(model="dall-e-2", prompt="Cat", stream=True)]
        assert await shop.row() == ("truncated", 0, "estimated")


async def test_a_picture_costs_what_its_size_does(tmp_path: Path) -> None:
    """Two of 512x512 at 0.018 and 1.5; no model was named, so the upstream is told the one that is meant."""
    answer = {"created": 1, "data": [{"url": "https://x/1"}, {"url": "https://x/2"}]}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        await shop.client.images.edit(prompt="Cat", n=2, size="512x512", image=("a.png", SOUND, "image/png"))
        [sent] = shop.upstream.received
        assert bytes(Form(sent.body, sent.headers["content-type"]).fields["model"]) == b'"dall-e-2"'
        assert await shop.row() == ("complete", 54_000_000, "estimated")


REFUSED = {"error": {"message": "Audio file is too short.", "type": "invalid_request_error", "param": "file"}}


async def test_what_the_upstream_finds_wrong_with_a_file_is_told_and_free(tmp_path: Path) -> None:
    """The upstream's words and status; the hold is released."""
    async with till(tmp_path, lambda _: document(REFUSED, 400)) as shop:
        with pytest.raises(openai.BadRequestError, match="too short"):
            await shop.client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))
        assert await shop.row() == ("upstream_error", 0, "upstream")


async def test_a_form_without_its_file_is_refused_by_name(tmp_path: Path) -> None:
    """Before anything is held or sent."""
    async with till(tmp_path, lambda _: document({})) as shop:
        with pytest.raises(openai.BadRequestError) as refused:
            await shop.client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b""))
        assert (refused.value.param, shop.upstream.received) == ("file", [])


async def test_a_document_in_place_of_sound_is_no_sound(tmp_path: Path) -> None:
    """An error dressed as success reaches nobody as sound."""
    async with till(tmp_path, lambda _: document({"error": {"message": "overloaded", "type": "server_error"}})) as shop:
        with pytest.raises(openai.InternalServerError):
            await shop.client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
        assert await shop.row() == ("upstream_error", 0, "upstream")


async def test_whisper_asked_for_a_stream_answers_whole(tmp_path: Path) -> None:
    """It streams nothing; its document is passed on and paid for."""
    answer = {"text": "Ruby", "usage": {"type": "duration", "seconds": 4}}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        made = await shop.shop.client.post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", "stream": "true"},
            files={"file": ("a.mp3", SOUND)},
            headers=shop.shop.headers,
        )
        assert (made.json(), made.headers["content-type"]) == (answer, "application/json")
        assert await shop.row() == ("complete", 600_000, "upstream")


async def test_a_model_that_streams_no_pictures_answers_whole(tmp_path: Path) -> None:
    """DALL-E heeds no wish for a stream; its document is passed on and paid for."""
    answer = {"created": 1, "data": [{"url": "https://x/1"}]}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        made = await shop.shop.client.post(
            "/v1/images/generations",
            json={"model": "dall-e-2", "prompt": "Cat", "stream": True},
            headers=shop.shop.headers,
        )
        assert (made.json(), made.headers["content-type"]) == (answer, "application/json")
        assert await shop.row() == ("complete", 30_000_000, "estimated")


async def test_a_customer_who_leaves_in_the_midst_of_sound_pays_for_its_text(tmp_path: Path) -> None:
    """The upstream had read all of it; it is let go at once."""
    async with till(tmp_path, lambda _: [*sound()[:2], 30.0]) as shop:
        async with shop.client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input="This is a speech test!"
        ) as made:
            async for piece in made.iter_bytes():
                assert SOUND.startswith(piece)
                break
        assert await shop.row() == ("customer_gone", 495_000, "estimated")


async def test_a_form_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """In OpenAI's shape; the profile says how large."""
    async with till(tmp_path, lambda _: document({})) as shop:
        with pytest.raises(openai.APIStatusError) as refused:
            await shop.client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", bytes(33 << 20)))
        assert (refused.value.status_code, shop.upstream.received) == (413, [])


async def test_an_empty_sound_is_empty(tmp_path: Path) -> None:
    """The end came in order, and nothing before it."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 0\r\n\r\n"
    async with till(tmp_path, lambda _: [head]) as shop:
        made = await shop.client.audio.speech.create(model="tts-1", voice="alloy", input="This is a speech test!")
        assert made.content == b""
        assert await shop.row() == ("empty", 495_000, "estimated")


async def test_no_name_and_no_content_of_a_file_is_kept(tmp_path: Path) -> None:
    """Neither in the books nor anywhere beside them, nor the words that were heard."""
    answer = {"text": "canary-of-words", "duration": 2.0}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        await shop.client.audio.transcriptions.create(
            model="whisper-1", file=("canary-of-a-name.mp3", b"canary-of-sound"), prompt="canary-of-a-prompt"
        )
        assert await shop.row() == ("complete", 300_000, "upstream")
        kept = b"".join(path.read_bytes() for path in shop.shop.data.rglob("*") if path.is_file())
    assert b"canary" not in kept


async def test_the_longest_that_a_sound_can_be_is_held_for(tmp_path: Path) -> None:
    """10 243 bytes are 7 seconds at 12 kbit/s: 7 x 0.0001 x 1.5 credits, of which 4 seconds are paid."""
    answer = {"text": "Ruby", "usage": {"type": "duration", "seconds": 4}}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        await shop.client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))
        assert await shop.row() == ("complete", 600_000, "upstream")
        assert shop.shop.rows("select held_nano from reservation") == [{"held_nano": 1_050_000}]


async def test_the_dearest_that_a_picture_can_be_is_held_for(tmp_path: Path) -> None:
    """A thousand tokens of input beyond its words' 522; 6240 and three parts of output, all as picture."""
    answer = {"created": 1, "data": [{"b64_json": PICTURE}], "size": "1024x1024", "usage": PICTURE_USAGE}
    async with till(tmp_path, lambda _: document(answer)) as shop:
        await shop.client.images.generate(model="gpt-image-1.5", prompt="Cat")
        assert await shop.row() == ("complete", 17_731_500, "upstream")
        [held] = shop.shop.rows("select held_nano from reservation")
    # (1522 + 6540 x 1.6 x 4) x 2.5 x 1.5 quota
    assert held["held_nano"] == 325_335_000


async def test_a_file_is_held_once_while_its_upstream_works(tmp_path: Path) -> None:
    """Of 8 MiB that came and were edited, only what is sent is still there: not what the door took in."""
    held: dict[str, int] = {}

    def script(_: Received) -> list[Step]:
        for statistic in tracemalloc.take_snapshot().statistics("filename"):
            held[Path(statistic.traceback[0].filename).name] = statistic.size
        return document({"text": "Ruby"})

    tracemalloc.start()
    try:
        async with till(tmp_path, script) as shop:
            await shop.shop.client.post(
                "/v1/audio/transcriptions",
                data={"model": "whisper-1"},
                files={"file": ("a.mp3", bytes(8 << 20))},
                headers=shop.shop.headers,
            )
    finally:
        tracemalloc.stop()
    assert (held.get("door.py", 0) >> 20, held["form.py"] >> 20) == (0, 8)


async def test_another_channel_gets_the_form_with_its_own_name_of_the_model(tmp_path: Path) -> None:
    """The first fails; what was edited for it is edited back, and the file is whole."""
    second = "{{name: two, use: channels.openai, base_url: {url}, keys: ['file:upstream.key'], models: [whisper-1], "
    profile = PROFILE.replace("- name: one", "- priority: 2\n    name: one") + f"  - {second}groups: [plain]}}}}\n"
    async with reselling(
        tmp_path,
        lambda _: document(REFUSED, 500) if len(upstream.received) == 1 else document({"text": "Hi"}),
        profile=profile,
    ) as (upstream, shop):
        files = {"file": ("a.mp3", SOUND)}
        data = {"model": "whisper-1"}
        made = await shop.client.post("/v1/audio/transcriptions", data=data, files=files, headers=shop.headers)
        forms = [Form(sent.body, sent.headers["content-type"]) for sent in upstream.received]
    assert made.json() == {"text": "Hi"}
    assert [bytes(form.fields["model"]) for form in forms] == [b'"whisper-large-v3"', b'"whisper-1"']
    assert [form.files("file") for form in forms] == [[SOUND], [SOUND]]
