from collections.abc import AsyncIterator

import pytest

from relay.core.upstream import UpstreamClient


@pytest.fixture
async def transport() -> AsyncIterator[UpstreamClient]:
    async with UpstreamClient() as opened:
        yield opened
