"""``channels.bedrock``: Claude as AWS hosts it, at bedrock-runtime.

channel        what is sent, and what becomes of the answer
event_stream   AWS's framing, brought into Anthropic's
refusals       AWS's errors, likewise
signing        Signature Version 4
"""

from .channel import Bedrock, BedrockConfig

__all__ = ["Bedrock", "BedrockConfig"]
