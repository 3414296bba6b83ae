"""HTTP/1.1 to upstreams. `UpstreamClient` sends requests; all other modules serve it.

request_head   where a request goes, and its head
dial           a fresh connection
pool           idle connections
connection     one connection and the answer on it
response       the answer's body, read under its deadlines
websocket      a session's connection
"""

from .client import UpstreamClient

__all__ = ["UpstreamClient"]
