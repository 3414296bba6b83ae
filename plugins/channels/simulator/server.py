"""A small HTTP/1.1 server on raw transports, so that it can misbehave on the wire."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import cast
from urllib.parse import parse_qs

import msgspec

from relay.plugins.channels.simulator import behaviours
from relay.plugins.channels.simulator.answer import NotKeptError, Question, UnreadableError, answer
from relay.plugins.channels.simulator.dialects import DIALECTS
from relay.plugins.channels.simulator.questions import kind_of, read_question
from relay.plugins.channels.simulator.realtime import RealtimeSession
from relay.plugins.channels.simulator.reply import Reply, Step, error_reply, honest, write_down
from relay.plugins.channels.simulator.singles import SINGLES
from relay.plugins.channels.simulator.websocket import Socket, is_handshake

LOG_LENGTH_MAX = 1000
BODY_BYTES_MAX = 64 * 1024 * 1024
REALTIME_PATH = "/v1/realtime"


class Received:
    """One request as the upstream saw it, without its text, for tests.

    Times are the loop's, in seconds. ``cut_at_s`` is set if the peer left before the reply was complete.
    """

    __slots__ = ("at_s", "behaviour", "body_bytes", "cut_at_s", "model", "path", "query")

    def __init__(self, target: str, body_bytes: int, at_s: float) -> None:
        self.path, _, self.query = target.partition("?")
        self.body_bytes = body_bytes
        self.at_s = at_s
        self.model = ""
        self.behaviour = ""
        self.cut_at_s: float | None = None


class SimulatorServer:
    """Answers on a port of the loopback.

    Args:
        behaviour: Misbehaviour of every answer; if None, that of the model's suffix.
        first_s: Wait before an answer begins, in seconds.
        pace_s: Wait between two events of a stream, in seconds.
        chunk_count: Number of text pieces in an answer, if it is not to echo the question.
    """

    def __init__(
        self,
        *,
        behaviour: str | None = None,
        first_s: float = 0.0,
        pace_s: float = 0.0,
        chunk_count: int | None = None,
    ) -> None:
        self.url = ""
        self.log: deque[Received] = deque(maxlen=LOG_LENGTH_MAX)
        self._behaviour = behaviour
        self._first_s = first_s
        self._pace_s = pace_s
        self._chunk_count = chunk_count
        self._connections: set[_Connection] = set()

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["SimulatorServer"]:
        """Listen while the context lasts; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self, self._connections), "127.0.0.1", port, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)  # lets the transports report their end before this returns

    def steps(self, received: Received, head: bytes, body: bytes) -> list[Step]:
        """Return the steps of the reply to one request, and note the request.

        Only the content type of *head* is read.
        """
        target = f"{received.path}?{received.query}"
        kind = kind_of(target)
        try:
            question = read_question(target, body, self._behaviour, _header(head, "content-type"))
            reply = self._reply(question)
        except NotKeptError as exc:
            return honest(error_reply(kind, 404, "not_found_error", str(exc)))
        except UnreadableError as exc:
            return honest(error_reply(kind, 400, "invalid_request_error", str(exc)))
        received.model, received.behaviour = question.model, question.behaviour
        name = question.behaviour
        if name and name not in behaviours.NAMES:
            return honest(error_reply(kind, 404, "not_found_error", f"no behaviour '{name[:40]}'"))
        if name in behaviours.REPLIES:
            reply = behaviours.REPLIES[name](reply)
        if name in behaviours.WIRES:
            return behaviours.WIRES[name](reply)
        return honest(reply, self._first_s, self._pace_s)

    def open_session(self, received: Received) -> RealtimeSession | Reply:
        """Return the Realtime session that was asked for, or the refusal that the behaviour demands."""
        received.model = parse_qs(received.query).get("model", [""])[0]
        received.behaviour = self._behaviour or received.model.partition("+")[2]
        if received.path != REALTIME_PATH or not received.model:
            return error_reply("openai_chat", 400, "invalid_request_error", "expected a model")
        refuse = behaviours.REPLIES.get(received.behaviour)
        reply = refuse(Reply(pieces=[b""])) if refuse is not None else Reply(pieces=[b""])
        return RealtimeSession(received.model) if reply.status < 400 else reply

    def _reply(self, question: Question) -> Reply:
        try:
            if question.kind in SINGLES:
                return msgspec.structs.replace(SINGLES[question.kind](question), kind=question.kind)
            said = answer(question, DIALECTS[question.kind].asked(question.fields), self._chunk_count)
            if question.behaviour in behaviours.ANSWERS:
                said = behaviours.ANSWERS[question.behaviour](said)
            return write_down(said, stream=question.stream)
        except (AttributeError, LookupError, TypeError, ValueError) as exc:
            raise UnreadableError("a field is not of the type that the dialect gives it") from exc


class _Connection(asyncio.Protocol):
    """One connection: takes requests one after another, and plays the steps of each reply."""

    def __init__(self, server: SimulatorServer, all_open: "set[_Connection]") -> None:
        self._server = server
        self._all_open = all_open
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._steps: Iterator[Step] | None = None
        self._received: Received | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._socket: Socket | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own classes are no subclasses
        self._all_open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all_open.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._received is not None:
            self._received.cut_at_s = self._loop.time()
            self._received = None
        self._steps = None

    def data_received(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.feed(data)
            return
        self._buffer += data
        self._take_request()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._timer is None:
            self._play()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def _take_request(self) -> None:
        """Begin the next request once it is complete and the previous one is answered."""
        if self._received is not None:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end])
        target, length = _read_head(head)
        if is_handshake(head):
            self._shake_hands(target)
            return
        if length > BODY_BYTES_MAX:
            self._transport.abort()
            return
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._received = Received(target, length, self._loop.time())
        self._server.log.append(self._received)
        self._steps = iter(self._server.steps(self._received, head, body))
        self._play()

    def _shake_hands(self, target: str) -> None:
        """Begin a session, or refuse it like any other request."""
        self._received = Received(target, 0, self._loop.time())
        self._server.log.append(self._received)
        session = self._server.open_session(self._received)
        data = bytes(self._buffer)
        self._buffer.clear()
        if isinstance(session, RealtimeSession):
            self._socket = Socket(self._transport, session)
            self._socket.feed(data)
        else:
            self._steps = iter(honest(session))
            self._play()

    def _play(self) -> None:
        """Go on with the steps until one has to wait, the peer is too slow, or none are left."""
        self._timer = None
        if self._steps is None:
            return
        while not self._is_paused:
            step = next(self._steps, None)
            if isinstance(step, bytes):
                self._transport.write(step)
            elif isinstance(step, float):
                self._timer = self._loop.call_later(step, self._play)
                return
            elif step == "hang":
                return
            else:
                self._finish(step)
                return

    def _finish(self, step: Step | None) -> None:
        """End the reply, and also the connection if the last step says so."""
        self._received = self._steps = None
        if step == "reset":
            _let_close_reset(self._transport)
            self._transport.abort()
        elif step == "close":
            self._transport.close()
        else:
            self._take_request()


def _read_head(head: bytes) -> tuple[str, int]:
    """Return target and body length; if a head can't be read, the target is empty and the length 0."""
    target = (head.partition(b"\r\n")[0].decode("latin-1") + "  ").split(" ")[1]
    length = _header(head, "content-length")
    return target, int(length) if length.isdecimal() else 0


def _header(head: bytes, name: str) -> str:
    """Return the value of a header; empty if it is missing."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        named, _, value = line.partition(":")
        if named.lower() == name:
            return value.strip()
    return ""


def _let_close_reset(transport: asyncio.Transport) -> None:
    """Make the next close send RST; uvloop does not give out its socket, so the option is set on a duplicate."""
    number = transport.get_extra_info("socket").fileno()
    with contextlib.closing(socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM)) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
