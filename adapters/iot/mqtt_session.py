"""One connection to a broker, run by the event loop itself: messages in, acknowledgements out, failures by name.

paho's own thread would fight with the others for the interpreter; so its socket hangs in the event loop, as paho's
documentation describes for foreign loops. What that socket carries is `adapters.iot.mqtt_stream`'s.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from adapters.contract import CertificateRefused, CredentialsRefused, SourceError, Unreachable
from adapters.iot.mqtt_config import MqttConfig, Tls
from adapters.iot.mqtt_stream import Message, Stream, StreamClient

_NO_RIGHT = frozenset({"Bad user name or password", "Not authorized", "Banned", "Bad authentication method"})


class Session:
    """`wait` says that messages are in `inbox`, or raises why there will be none."""

    def __init__(self, config: MqttConfig, client_id: str, *, lasting: bool) -> None:
        """`lasting`: the broker keeps subscriptions and messages between connections."""
        self._config = config
        self._lasting = lasting
        self.inbox: deque[Message] = deque()
        self.version: str | None = None
        self._outstanding = 0  # of QoS 1, in `inbox` or handed out, not yet acknowledged
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._failure: SourceError | None = None
        self._stream: Stream | None = None  # while the event loop watches it
        self._watched = -1  # its file descriptor
        self._reading = self._writing = False
        self._tick: asyncio.TimerHandle | None = None
        self._last_log = ""
        v5 = config.protocol == "5"
        self._client = client = StreamClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if v5 else not lasting,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.over(self._take, v5=v5, most=config.max_payload)
        client.connect_timeout = config.timeout_seconds
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_log = self._on_log
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_written
        client.on_socket_close = self._on_socket_close

    async def open(self) -> None:
        """Raises Unreachable, CredentialsRefused, CertificateRefused."""
        config, client = self._config, self._client
        if config.username is not None:
            try:
                client.username_pw_set(config.username, config.password.reveal() if config.password else None)
            except LookupError as error:
                raise CredentialsRefused(f"the password for {config.address} is not to be had: {error}") from error
        if config.tls is not None:
            client.tls_set_context(_context(config.tls, config.address))
        host, _, port = config.address.rpartition(":")
        try:
            await asyncio.to_thread(self._connect, host, int(port))
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefused(
                f"the certificate of {config.address} is not accepted: {error.verify_message}; give the authority that "
                "signed it as tls.ca_file, and the name that stands in it as tls.server_name"
            ) from error
        except ssl.SSLError as error:
            raise CertificateRefused(
                f"{config.address} does not speak TLS as asked ({error.reason or error}): is this its TLS port?"
            ) from error
        except (OSError, ValueError) as error:
            raise Unreachable(
                f"nobody answers at {config.address} ({error}): is the broker on, and are address, port and TLS right?"
            ) from error
        self._watch()
        await self._answered(self._connected, "accepted the connection and says nothing")
        client.on_log = None

    def _connect(self, host: str, port: int) -> None:
        """Blocks, in a thread: name look-up and TLS handshake."""
        config = self._config
        if config.protocol != "5":
            self._client.connect(host, port, config.keep_alive_seconds)
            return
        asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        asked.ReceiveMaximum = config.max_in_flight
        asked.MaximumPacketSize = config.max_packet
        if self._lasting:
            asked.SessionExpiryInterval = config.session_expiry_seconds
        self._client.connect(host, port, config.keep_alive_seconds, clean_start=not self._lasting, properties=asked)

    async def subscribe(self, filters: Iterable[str]) -> None:
        """At QoS 1. Raises CredentialsRefused if the broker forbids one."""
        filters = list(filters)
        if self._config.protocol == "5":
            # A broker that still knows the subscription has no need to send what it retains once more.
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            self._client.subscribe([(name, options) for name in filters])
        else:
            self._client.subscribe([(name, 1) for name in filters])
        codes = await self._answered(self._subscribed, "does not answer the subscription")
        for name, code in zip(filters, codes, strict=False):
            if code.is_failure:
                user = f"the user {self._config.username!r}" if self._config.username else "a client without a user"
                raise CredentialsRefused(
                    f"{self._config.address} refuses the topic {name!r} ({code}): give {user} the right to read it"
                )

    async def _answered(self, what: "asyncio.Future[Any]", otherwise: str) -> Any:
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                return await asyncio.shield(what)
        except TimeoutError as error:
            raise Unreachable(f"{self._config.address} {otherwise}: is it an MQTT broker, and well?") from error

    async def wait(self) -> None:
        """Until `inbox` holds something. Raises what ended the connection."""
        while not self.inbox:
            if self._failure is not None:
                raise self._failure
            self._news.clear()
            await self._news.wait()
        if self._failure is not None:  # what waits here comes again with the next connection
            raise self._failure

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """In this order, in one go. Without a connection nothing is sent, and the messages come again."""
        stream = self._stream
        if stream is None:
            return
        mids: list[int] = []
        for message in messages:
            if message.qos == 1:
                mids.append(message.mid)
            elif message.qos:
                self._client.ack(message.mid, message.qos)
        self._outstanding -= sum(1 for message in messages if message.qos)
        if mids:
            with contextlib.suppress(OSError):  # reading tells that the connection is lost
                stream.acknowledge(mids)
            self._watch_writing()
        if not self._reading and not self._is_full:
            self._reading = True
            self._loop.add_reader(stream.fileno(), self._on_readable)
            self._loop.call_soon(self._on_readable)

    async def close(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._client.disconnect()
                self._client.loop_write()
        self._unwatch()
        left = self._client.socket()
        if left is not None:  # it could not be written to
            left.close()
        for waiting in (self._connected, self._subscribed):
            waiting.cancel()

    # What paho calls, and what the event loop calls of paho.

    def _watch(self) -> None:
        stream = self._client.stream
        if stream is None or self._client.socket() is None:
            self._fail(Unreachable(f"{self._config.address} closed the connection at once"))
            return
        self._stream = stream
        self._watched = stream.fileno()
        self._reading = True
        self._loop.add_reader(self._watched, self._on_readable)
        self._keep_alive()
        self._on_want_write()

    def _unwatch(self) -> None:
        stream, self._stream = self._stream, None
        if self._tick is not None:
            self._tick.cancel()
        if stream is not None:
            self._loop.remove_reader(self._watched)
            self._loop.remove_writer(self._watched)
        self._reading = self._writing = False

    def _keep_alive(self) -> None:
        self._tick = self._loop.call_later(1.0, self._keep_alive)
        self._client.loop_misc()

    @property
    def _is_full(self) -> bool:
        """More is held than a broker may send. Not before it has answered the subscription: after a crash what it sends
        again, and more, may come first, and nobody takes it until then."""
        return self._subscribed.done() and (
            self._outstanding > self._config.max_in_flight or len(self.inbox) > self._config.max_in_flight
        )

    def _on_readable(self) -> None:
        stream = self._stream
        if stream is None:
            return
        if self._is_full:
            self._loop.remove_reader(self._watched)
            self._reading = False
            return
        stream.take()
        while self._stream is not None and stream.is_pahos:
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
        if self._stream is not None and stream.is_pending:
            self._loop.call_soon(self._on_readable)

    def _on_want_write(self, *_: object) -> None:
        if self._stream is not None and not self._writing:
            self._writing = True
            self._loop.add_writer(self._watched, self._on_writable)

    def _on_writable(self) -> None:
        stream = self._stream
        self._client.loop_write()
        if stream is not None and self._stream is not None:
            with contextlib.suppress(OSError):  # reading tells that the connection is lost
                stream.flush()
            self._on_written()

    def _watch_writing(self) -> None:
        if self._stream is not None and self._stream.is_unsent:
            self._on_want_write()

    def _on_written(self, *_: object) -> None:
        stream = self._stream
        if stream is not None and self._writing and not stream.is_unsent:
            self._writing = False
            self._loop.remove_writer(self._watched)

    def _on_socket_close(self, *_: object) -> None:
        self._unwatch()

    def _on_log(self, _client: object, _userdata: object, _level: int, text: str) -> None:
        if "fail" in text:
            self._last_log = text

    def _on_connect(
        self, _client: object, _userdata: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        if not code.is_failure:
            if not self._connected.done():
                self._connected.set_result(None)
            return
        told = f"{self._config.address} refuses the connection: {code}"
        if str(code) in _NO_RIGHT:
            self._fail(CredentialsRefused(f"{told}; compare username and password with the broker's"))
        else:
            self._fail(Unreachable(f"{told}; look at the broker's log"))

    def _on_disconnect(
        self, _client: object, _userdata: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        address, log = self._config.address, self._last_log
        if "SSL" in log and "ALERT" in log.upper():
            self._fail(
                CertificateRefused(
                    f"{address} refuses our side of TLS ({log}): it may want tls.certificate_file and tls.key_file"
                )
            )
        elif str(code) == "Session taken over":
            self._fail(
                Unreachable(
                    f"another client came to {address} with the same client_id: give each hub and source its own"
                )
            )
        else:
            self._fail(Unreachable(f"the connection to {address} was lost: {code}"))

    def _fail(self, failure: SourceError) -> None:
        if self._failure is None:
            self._failure = failure
        for waiting in (self._connected, self._subscribed):
            if not waiting.done():
                waiting.set_exception(self._failure)
                waiting.exception()  # it is raised where it is awaited, if it is
        self._news.set()

    def _on_subscribe(
        self, _client: object, _userdata: object, _mid: int, codes: list[ReasonCode], _properties: object
    ) -> None:
        if not self._subscribed.done():
            self._subscribed.set_result(codes)

    def _take(self, message: Message) -> None:
        self.inbox.append(message)
        if message.qos:
            self._outstanding += 1
        self._news.set()

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        """One that the stream left to paho."""
        payload, most, cut = message.payload, self._config.max_payload, None
        if len(payload) > most:
            payload, cut = payload[: most + 1], len(payload)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "\ufffd"
        self._take(Message(topic, bytes(payload), message.mid, message.qos, message.dup or message.retain, cut))


class _NamedContext(ssl.SSLContext):
    """Expects another name in the certificate than that of the host."""

    name = ""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**options, "server_hostname": self.name})


def _context(tls: Tls, address: str) -> ssl.SSLContext:
    """Raises CertificateRefused for files that cannot be used."""
    context: ssl.SSLContext
    if tls.server_name is not None:
        context = named = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        named.name = tls.server_name
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(tls.ca_file)
        if tls.certificate_file is not None:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        raise CertificateRefused(f"a file of tls for {address} cannot be used: {error}") from error
    return context
