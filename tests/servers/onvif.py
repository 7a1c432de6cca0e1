"""An ONVIF camera of our own, written from ONVIF's WSDL and WS-BaseNotification: device, media, and PullPoint events.

It shares no code with the adapter. Subscriptions end when they are not renewed, as a camera's do.
"""

import base64
import hashlib
import re
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.servers.certificates import Certificates
from tests.servers.http_device import HttpDevice

SPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://www.w3.org/2005/08/addressing" '
    'xmlns:d="http://www.onvif.org/ver10/device/wsdl" xmlns:m="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:e="http://www.onvif.org/ver10/events/wsdl" xmlns:t="http://www.onvif.org/ver10/schema" '
    'xmlns:n="http://docs.oasis-open.org/wsn/b-2" xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics"'
)


def notification(event: dict[str, Any]) -> str:
    """A NotificationMessage from what an event became when zeep read it: the shape of the recorded ones."""

    def part(name: str, value: Any) -> str:
        if not isinstance(value, dict):
            return ""
        items = "".join(
            f"<t:SimpleItem Name={quoteattr(one['Name'])} Value={quoteattr(one['Value'])}/>"
            for one in value.get("SimpleItem") or []
        )
        items += "".join(
            f"<t:ElementItem Name={quoteattr(one['Name'])}>{one['_value_1']}</t:ElementItem>"
            for one in value.get("ElementItem") or []
        )
        return f"<t:{name}>{items}</t:{name}>"

    message = event["Message"]["_value_1"]
    attributes = "".join(
        f" {name}={quoteattr(str(message[name]).replace(' ', 'T').replace('+00:00', 'Z'))}"
        for name in ("UtcTime", "PropertyOperation")
        if message.get(name) is not None
    )
    topic = event["Topic"]
    dialect = f" Dialect={quoteattr(topic['Dialect'])}" if topic.get("Dialect") else ""
    return (
        f"<n:NotificationMessage {SPACES}><n:Topic{dialect}>{escape(topic['_value_1'])}</n:Topic>"
        f"<n:Message><t:Message{attributes}>{part('Source', message.get('Source'))}{part('Data', message.get('Data'))}"
        "</t:Message></n:Message></n:NotificationMessage>"
    )


class OnvifDevice(HttpDevice):
    """`tell` puts a notification into the queue; what nobody pulled waits for the next subscription."""

    def __init__(self, user: str, password: str, certificates: Certificates | None = None) -> None:
        super().__init__(certificates)
        self.grants = 60.0  # seconds that a subscription lasts at most
        self.has_events = True
        self.renews = True
        self.clock_off = timedelta(0)
        self.sources = ["VS0"]
        self.names_itself: str | None = None  # the address that it believes to have, where it is another
        self.subscriptions: dict[str, float] = {}  # by number, when each ends
        self.calls: list[str] = []
        self._user, self._password = user, password
        self._queue: deque[str] = deque()
        self._next = 0

    def tell(self, message: str) -> None:
        with self._news:
            self._queue.append(message)
            self._news.notify_all()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.rfile.read(int(request.headers.get("Content-Length", "0"))).decode()
        body = asked.partition("Body>")[2]
        found = re.search(r"<(?:\w+:)?(\w+)", body)
        name = found[1] if found else ""
        self.calls.append(name)
        if request.command != "POST":
            self._send(request, 405, "")
        elif name != "GetSystemDateAndTime" and not self._is_known(asked):
            self._fault(request, "ter:NotAuthorized", "Sender not Authorized", 400)
        elif handler := getattr(self, "on_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), None):
            handler(request, body)
        else:
            self._fault(request, "ter:ActionNotSupported", f"no {name}", 500)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.clock_off

    def _is_known(self, asked: str) -> bool:
        def text(name: str) -> str:
            found = re.search(rf"<(?:\w+:)?{name}\b[^>]*>([^<]*)<", asked)
            return found[1] if found else ""

        try:
            created = datetime.fromisoformat(text("Created"))
        except ValueError:
            return False
        if abs(created - self._now()) > timedelta(seconds=30) or text("Username") != self._user:
            return False
        secret = base64.b64decode(text("Nonce")) + text("Created").encode() + self._password.encode()
        return base64.b64encode(hashlib.sha1(secret, usedforsecurity=False).digest()).decode() == text("Password")

    def _send(self, request: BaseHTTPRequestHandler, status: int, inside: str) -> None:
        data = f'<?xml version="1.0"?><s:Envelope {SPACES}><s:Body>{inside}</s:Body></s:Envelope>'.encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/soap+xml; charset=utf-8")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _fault(self, request: BaseHTTPRequestHandler, code: str, text: str, status: int) -> None:
        self._send(
            request,
            status,
            f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
            f'<s:Reason><s:Text xml:lang="en">{escape(text)}</s:Text></s:Reason></s:Fault>',
        )

    def _at(self, path: str) -> str:
        return (self.names_itself or self.url) + path

    # The device and media services.

    def on_get_system_date_and_time(self, request: BaseHTTPRequestHandler, _: str) -> None:
        at = self._now()
        self._send(
            request,
            200,
            "<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:UTCDateTime>"
            f"<t:Time><t:Hour>{at.hour}</t:Hour><t:Minute>{at.minute}</t:Minute><t:Second>{at.second}</t:Second></t:Time>"
            f"<t:Date><t:Year>{at.year}</t:Year><t:Month>{at.month}</t:Month><t:Day>{at.day}</t:Day></t:Date>"
            "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>",
        )

    def on_get_services(self, request: BaseHTTPRequestHandler, _: str) -> None:
        names = {"device": "device_service", "media": "media"} | ({"events": "events"} if self.has_events else {})
        services = "".join(
            f"<d:Service><d:Namespace>http://www.onvif.org/ver10/{name}/wsdl</d:Namespace>"
            f"<d:XAddr>{self._at(f'/onvif/{path}')}</d:XAddr></d:Service>"
            for name, path in names.items()
        )
        self._send(request, 200, f"<d:GetServicesResponse>{services}</d:GetServicesResponse>")

    def on_get_device_information(self, request: BaseHTTPRequestHandler, _: str) -> None:
        told = {"Manufacturer": "ACME", "Model": "C-1", "FirmwareVersion": "2.0", "SerialNumber": "77"}
        inside = "".join(f"<d:{name}>{value}</d:{name}>" for name, value in told.items())
        self._send(request, 200, f"<d:GetDeviceInformationResponse>{inside}</d:GetDeviceInformationResponse>")

    def on_get_scopes(self, request: BaseHTTPRequestHandler, _: str) -> None:
        item = "<t:ScopeItem>onvif://www.onvif.org/name/%E5%8C%97%E9%97%A8</t:ScopeItem>"
        self._send(request, 200, f"<d:GetScopesResponse><d:Scopes>{item}</d:Scopes></d:GetScopesResponse>")

    def on_get_network_interfaces(self, request: BaseHTTPRequestHandler, _: str) -> None:
        inside = "<t:Info><t:HwAddress>02:00:00:00:00:09</t:HwAddress></t:Info>"
        self._send(
            request,
            200,
            f'<d:GetNetworkInterfacesResponse><d:NetworkInterfaces token="e">{inside}</d:NetworkInterfaces>'
            "</d:GetNetworkInterfacesResponse>",
        )

    def on_get_endpoint_reference(self, request: BaseHTTPRequestHandler, _: str) -> None:
        inside = "<d:GUID>urn:uuid:00000000-0000-0000-0000-0000000000a1</d:GUID>"
        self._send(request, 200, f"<d:GetEndpointReferenceResponse>{inside}</d:GetEndpointReferenceResponse>")

    def on_get_profiles(self, request: BaseHTTPRequestHandler, _: str) -> None:
        inside = "".join(
            f'<m:Profiles token="{source}-{name}"><t:Name>{name}</t:Name><t:VideoSourceConfiguration token="c">'
            f"<t:SourceToken>{source}</t:SourceToken></t:VideoSourceConfiguration><t:VideoEncoderConfiguration>"
            f"<t:Resolution><t:Width>{width}</t:Width></t:Resolution></t:VideoEncoderConfiguration></m:Profiles>"
            for source in self.sources
            for name, width in (("sub", 640), ("main", 3840))
        )
        self._send(request, 200, f"<m:GetProfilesResponse>{inside}</m:GetProfilesResponse>")

    def on_get_stream_uri(self, request: BaseHTTPRequestHandler, body: str) -> None:
        found = re.search(r"ProfileToken>([^<]*)<", body)
        uri = f"rtsp://admin:1234@192.0.2.55:8554/{found[1] if found else ''}?a=1"
        inside = f"<m:MediaUri><t:Uri>{escape(uri)}</t:Uri></m:MediaUri>"
        self._send(request, 200, f"<m:GetStreamUriResponse>{inside}</m:GetStreamUriResponse>")

    # The event service.

    def _times(self, ends: float) -> str:
        now, left = self._now(), timedelta(seconds=ends - time.monotonic())
        return (
            f"<n:CurrentTime>{now.isoformat()}</n:CurrentTime>"
            f"<n:TerminationTime>{(now + left).isoformat()}</n:TerminationTime>"
        )

    def _span(self, body: str, name: str) -> float:
        found = re.search(rf"{name}>PT([\d.]+)S<", body)
        return float(found[1]) if found else 10.0

    def on_create_pull_point_subscription(self, request: BaseHTTPRequestHandler, body: str) -> None:
        self._next += 1
        number = str(self._next)
        ends = time.monotonic() + min(self.grants, self._span(body, "InitialTerminationTime"))
        self.subscriptions[number] = ends
        parameters = '<w:ReferenceParameters><x:Id xmlns:x="urn:x">secret-id</x:Id></w:ReferenceParameters>'
        self._send(
            request,
            200,
            "<e:CreatePullPointSubscriptionResponse><e:SubscriptionReference>"
            f"<w:Address>{self._at(f'/onvif/sub?id={number}')}</w:Address>{parameters}</e:SubscriptionReference>"
            f"{self._times(ends)}</e:CreatePullPointSubscriptionResponse>",
        )

    def _subscription(self, request: BaseHTTPRequestHandler) -> str | None:
        number = request.path.partition("id=")[2]
        if self.subscriptions.get(number, 0.0) > time.monotonic():
            return number
        self.subscriptions.pop(number, None)
        self._fault(request, "n:ResourceUnknown", "no such subscription", 400)
        return None

    def on_set_synchronization_point(self, request: BaseHTTPRequestHandler, _: str) -> None:
        if self._subscription(request) is not None:
            self._send(request, 200, "<e:SetSynchronizationPointResponse/>")

    def on_pull_messages(self, request: BaseHTTPRequestHandler, body: str) -> None:
        number, server = self._subscription(request), self._server
        if number is None:
            return
        with self._news:
            self._news.wait_for(lambda: self._queue or self._server is not server, timeout=self._span(body, "Timeout"))
            taken = [self._queue.popleft() for _ in range(min(50, len(self._queue)))]
        if self._server is not server:
            with self._news:
                self._queue.extendleft(reversed(taken))
            return
        inside = self._times(self.subscriptions.get(number, 0.0)) + "".join(taken)
        try:
            if self._is_gone(request):
                raise BrokenPipeError
            self._send(request, 200, f"<e:PullMessagesResponse>{inside}</e:PullMessagesResponse>")
        except OSError:
            with self._news:
                self._queue.extendleft(reversed(taken))
            raise

    def _is_gone(self, request: BaseHTTPRequestHandler) -> bool:
        connection = request.connection
        connection.setblocking(False)
        try:
            return connection.recv(1, 2) == b""  # 2: peek
        except BlockingIOError:
            return False
        finally:
            connection.setblocking(True)

    def on_renew(self, request: BaseHTTPRequestHandler, body: str) -> None:
        number = self._subscription(request)
        if number is None:
            return
        if not self.renews:
            self._fault(request, "n:UnacceptableTerminationTime", "not renewed", 400)
            return
        ends = time.monotonic() + min(self.grants, self._span(body, "TerminationTime"))
        self.subscriptions[number] = ends
        self._send(request, 200, f"<n:RenewResponse>{self._times(ends)}</n:RenewResponse>")

    def on_unsubscribe(self, request: BaseHTTPRequestHandler, _: str) -> None:
        number = self._subscription(request)
        if number is not None:
            del self.subscriptions[number]
            self._send(request, 200, "<n:UnsubscribeResponse/>")
