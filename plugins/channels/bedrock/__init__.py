"""``channels.bedrock``: Claude as AWS hosts it, at bedrock-runtime.

channel        sends requests, and converts the answers
event_stream   converts AWS's event stream to Anthropic's
refusals       converts AWS's errors to Anthropic's
signing        signs by Signature Version 4
"""

from .channel import Bedrock, BedrockConfig

__all__ = ["Bedrock", "BedrockConfig"]
