"""A shop into which one line of YAML swaps a plugin or a channel."""

from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

PROFILE = """
shop:
  name:
    en: Test
    zh: 测试
plugins:
  - use: auth.api_key
  - use: billing.token_ratio
groups:
  plain:
    ratio: "1"
prices:
  gpt-4o-mini:
    model_ratio: "1"
    completion_ratio: "4"
channels:
  - name: one
    use: channels.openai
    base_url: {url}
    models: [gpt-4o-mini]
    groups: [plain]
"""
PLACE = "groups:\n"

ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}
"""An answer of 1000 x 1 + 500 x 4 quota: 0.006 credits."""


def with_plugin(line: str) -> str:
    """Return the profile with one more plugin, priced after the others."""
    return PROFILE.replace(PLACE, f"  - {line}\n{PLACE}", 1)


def with_channel(use: str) -> str:
    """Return the profile whose only channel is *use*."""
    return PROFILE.replace("channels.openai", use).replace("    base_url: {url}\n", "")
