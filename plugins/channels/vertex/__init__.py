"""``channels.vertex``: Claude and Gemini as Google Cloud hosts them.

channel     what is sent
access      what a service account may do for the next hour
embeddings  what is asked where a model embeds
"""

from .channel import Vertex, VertexConfig

__all__ = ["Vertex", "VertexConfig"]
