"""``channels.vertex``: Claude and Gemini as Google Cloud hosts them.

channel     sends requests
access      gets the access tokens of service accounts
embeddings  converts requests for embeddings
"""

from .channel import Vertex, VertexConfig

__all__ = ["Vertex", "VertexConfig"]
