"""A channel that answers requests itself, by repeating the last message."""

import msgspec

from relay import BytesResponse, ChannelPlugin, ChannelRequest, PluginConfig


class EchoConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Echo(ChannelPlugin[EchoConfig]):
    """Repeats the last message, whole or as a stream of one event."""

    config_type = EchoConfig
    dialects = ("openai_chat",)

    async def send(self, request: ChannelRequest, api_key: str) -> BytesResponse:
        words = msgspec.json.decode(request.fields["messages"])[-1]["content"]
        said = {"role": "assistant", "content": words}
        choice = {"index": 0, "delta" if request.stream else "message": said, "finish_reason": "stop"}
        kind = "chat.completion.chunk" if request.stream else "chat.completion"
        answer = {"id": "echo", "object": kind, "created": 0, "model": request.fields["model"], "choices": [choice]}
        body = msgspec.json.encode(answer)
        if request.stream:
            events = b"data: " + body + b"\n\ndata: [DONE]\n\n"
            return BytesResponse(200, {"content-type": "text/event-stream"}, events)
        return BytesResponse(200, {"content-type": "application/json"}, body)
