"""A channel whose upstream hands out a token first, and has a path of its own."""

import msgspec

from relay import ChannelPlugin, ChannelRequest, PluginConfig, UpstreamRequest, UpstreamResponse


class TokenChannel(ChannelPlugin[PluginConfig]):
    config_type = PluginConfig
    dialects = ("openai_chat",)

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        token = await self._token(api_key)
        url = f"{self.section.base_url}/talk"
        headers = {**request.headers, "authorization": f"Bearer {token}", "content-type": "application/json"}
        return await self._send(UpstreamRequest(url=url, headers=headers, body=request.body()))

    async def _token(self, api_key: str) -> str:
        asked = UpstreamRequest(url=f"{self.section.base_url}/token", headers={"x-key": api_key}, body=b"")
        answer = await self._send(asked)
        try:
            return str(msgspec.json.decode(await answer.read())["access_token"])
        finally:
            answer.close()

    async def _send(self, request: UpstreamRequest) -> UpstreamResponse:
        return await self.services.transport.send(request, self.deadlines)
