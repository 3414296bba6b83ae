"""``channels.vertex``: Claude and Gemini as Google Cloud hosts them.

channel   what is sent
access    what a service account may do for the next hour
"""

from .channel import Vertex, VertexConfig

__all__ = ["Vertex", "VertexConfig"]
