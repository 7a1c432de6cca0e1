"""GraphQL over a WebSocket: the protocol graphql-transport-ws, and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md; the close codes are its own.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, nullcontext
from dataclasses import replace

from starlette.websockets import WebSocket, WebSocketDisconnect

from hub.access.authority import Authority, Credentials
from hub.errors import BadRequest, CausewayError, Code, Forbidden, IssuerUnavailable, Unauthenticated
from hub.viewer import Viewer
from hub.web import credentials
from hub.web.answers import Answer
from hub.web.config import WebConfig
from hub.web.documents import Documents
from hub.web.encoding import decode, encode
from hub.web.errors import problem
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation, language_of
from hub.web.session import Session, Sessions

PROTOCOL = "graphql-transport-ws"


_REASON = 120  # bytes; a close frame takes 123


class _Close(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON].decode(errors="ignore")


class _Left(Exception):
    """The peer is gone."""


class Socket:
    """One connection, from its acceptance to its end; its operations are tasks of one group."""

    def __init__(
        self,
        websocket: WebSocket,
        execution: Execution,
        config: WebConfig,
        authority: Authority,
        sessions: Sessions,
        documents: Documents,
    ) -> None:
        self._websocket = websocket
        self._execution = execution
        self._config = config
        self._authority = authority
        self._sessions = sessions
        self._documents = documents
        self._purpose: str | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(config.running_per_socket)

    async def run(self) -> None:
        if PROTOCOL not in self._websocket.scope["subprotocols"]:
            await self._websocket.accept()
            await self._websocket.close(4406, f"Subprotocol not acceptable: speak {PROTOCOL}")
            return
        await self._websocket.accept(PROTOCOL)
        closing: _Close | None = None
        try:
            asker = await self._greet()
            with self._sessions.open(asker) as session:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._until_ended(session))
                    while True:
                        await self._handle(await self._receive(), session, group)
        except* _Left:
            pass
        except* _Close as errors:
            closing = _first(errors)
        if closing is not None:
            await self._close(closing)

    async def _greet(self) -> Asker:
        """Until the client has said connection_init and was acknowledged."""
        try:
            async with asyncio.timeout(self._config.init_seconds):
                while True:
                    message = await self._receive()
                    match message.get("type"):
                        case "connection_init":
                            asker = await self._admit(_payload(message) or {})
                            await self._send(b'{"type":"connection_ack"}')
                            return asker
                        case "ping":
                            await self._pong(message)
                        case "pong":
                            pass
                        case "subscribe":
                            raise _Close(4401, "Unauthorized: say connection_init first")
                        case _:
                            raise _Close(4400, "Say connection_init first")
        except TimeoutError as error:
            raise _Close(4408, "Connection initialisation timeout") from error

    async def _admit(self, payload: Mapping[str, object]) -> Asker:
        try:
            credentials.refuse_in_address(self._websocket)
            given = credentials.of_payload(payload, self._websocket, self._config)
            viewer = await self._viewer(given)
        except BadRequest as error:
            raise _Close(4400, error.message) from error
        self._purpose = given.purpose
        return Asker(
            viewer=viewer,
            language=language_of(self._websocket.headers.get("accept-language")),
            address=credentials.sender_of(self._websocket),
        )

    async def _viewer(self, given: Credentials) -> Viewer:
        try:
            return await self._authority.viewer(given)
        except IssuerUnavailable:
            raise
        except (Unauthenticated, Forbidden) as error:
            raise _refused(error) from error

    async def _renew(self, payload: Mapping[str, object], session: Session) -> None:
        """By a new token of the same subject; the streams go on. While the issuer cannot be asked the old token
        counts until its own end, and the pong says so."""
        old = session.asker.viewer
        try:
            given = credentials.of_payload(payload, self._websocket, self._config)
            viewer = await self._viewer(replace(given, purpose=self._purpose))
        except BadRequest as error:
            raise _Close(4400, error.message) from error
        except IssuerUnavailable as error:
            await self._send(encode({"type": "pong", "payload": problem(error.code, error.message)}))
            return
        if (viewer.issuer, viewer.subject) != (old.issuer, old.subject):
            raise _Close(4401, "Unauthorized: a socket is renewed by a token of its own issuer and subject")
        session.renew(viewer)
        await self._send(b'{"type":"pong"}')

    async def _until_ended(self, session: Session) -> None:
        raise _refused(await session.until_ended())

    async def _handle(self, message: Mapping[str, object], session: Session, group: asyncio.TaskGroup) -> None:
        match message.get("type"):
            case "subscribe":
                await self._subscribe(message, session, group)
            case "complete":
                if (task := self._operations.pop(_id(message), None)) is not None:
                    task.cancel()
            case "ping":
                payload = _payload(message) or {}
                await (self._renew(payload, session) if "authorization" in payload else self._pong(message))
            case "pong":
                _payload(message)
            case "connection_init":
                raise _Close(4429, "Too many initialisation requests")
            case _:
                raise _Close(4400, "Unknown message type")

    async def _subscribe(self, message: Mapping[str, object], session: Session, group: asyncio.TaskGroup) -> None:
        name = _id(message)
        if name in self._operations:
            raise _Close(4409, "Subscriber for this id already exists")
        try:
            operation = Operation.from_body(message.get("payload"))
        except BadRequest as error:
            raise _Close(4400, error.message) from error
        try:
            operation = self._documents.found(operation)
        except CausewayError as error:
            await self._send(_error(name, problem(error.code, error.message)["errors"]))
            return
        if len(self._operations) >= self._config.operations_per_socket:
            text = f"A connection holds at most {self._config.operations_per_socket} operations. Open another one."
            await self._send(_error(name, problem(Code.RATE_LIMITED, text)["errors"]))
            return
        self._operations[name] = group.create_task(self._operate(name, operation, session))

    async def _operate(self, name: str, operation: Operation, session: Session) -> None:
        head = b'{"id":' + encode(name) + b',"type":"next","payload":'
        at_once = self._websocket.scope.get("state", {}).get("offer")
        offer = None if at_once is None else lambda answer: at_once(head + answer.body + b"}")
        turn = nullcontext() if self._execution.is_subscription(operation) else self._turns
        async with turn, aclosing(self._execution.results(operation, session, "websocket", offer)) as answers:
            async for answer in answers:
                if answer.refused:
                    self._forget(name)
                    await self._send(_error(name, _errors(answer)))
                    return
                await self._send(head + answer.body + b"}")
        self._forget(name)
        await self._send(b'{"id":' + encode(name) + b',"type":"complete"}')

    def _forget(self, name: str) -> None:
        """Frees the id before the last message goes out; a client may use it again at once."""
        if self._operations.get(name) is asyncio.current_task():
            del self._operations[name]

    async def _pong(self, message: Mapping[str, object]) -> None:
        payload = _payload(message)
        echoed = payload is not None and "authorization" not in payload
        await self._send(encode({"type": "pong", **({"payload": payload} if echoed else {})}))

    async def _receive(self) -> Mapping[str, object]:
        try:
            text = await self._websocket.receive_text()
        except KeyError as error:
            raise _Close(4400, "Messages are text, not binary") from error
        except WebSocketDisconnect as error:
            raise _Left from error
        try:
            message = decode(text)
        except ValueError as error:
            raise _Close(4400, "Messages are JSON") from error
        if not isinstance(message, dict):
            raise _Close(4400, "Messages are JSON objects")
        return message

    async def _send(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(self._config.stall_seconds):
                await self._websocket.send_text(message.decode())
        except TimeoutError as error:
            if (let_go := self._websocket.scope.get("state", {}).get("let_go")) is not None:
                let_go(1013, "Too slow: come again, with `after` set to the last cursor that you received")
            raise _Left from error
        except (WebSocketDisconnect, RuntimeError) as error:  # RuntimeError: the server has closed it meanwhile
            raise _Left from error

    async def _close(self, closing: _Close) -> None:
        try:
            async with asyncio.timeout(1):
                await self._websocket.close(closing.code, closing.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            pass  # it is gone already


def _refused(error: CausewayError) -> _Close:
    if isinstance(error, Forbidden):
        return _Close(4403, f"Forbidden: {error.message}")
    return _Close(4401, f"Unauthorized: {error.message}")


def _first(errors: BaseExceptionGroup[_Close]) -> _Close:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _id(message: Mapping[str, object]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not name:
        raise _Close(4400, "`id` is missing, or not a text")
    return name


def _payload(message: Mapping[str, object]) -> Mapping[str, object] | None:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise _Close(4400, "`payload` is not an object")
    return payload


def _errors(answer: Answer) -> object:
    body = decode(answer.body)
    assert isinstance(body, dict)  # noqa: S101  as the execution encoded it
    return body["errors"]


def _error(name: str, errors: object) -> bytes:
    return encode({"id": name, "type": "error", "payload": errors})
