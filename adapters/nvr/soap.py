"""ONVIF's SOAP 1.2, as much as is needed: envelopes with WS-UsernameToken, calls, and faults by name.

docs/adr/0008 says why no SOAP library stands here.
"""

import base64
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from lxml import etree

from adapters import xml
from adapters.contract import CredentialsRefused, SourceError, Unreachable, Unreadable
from adapters.nvr.web import DeviceConfig, Web, revealed
from hub.clock import now

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_SECURITY = f"{_WSS}-wssecurity-secext-1.0.xsd"
_UTILITY = f"{_WSS}-wssecurity-utility-1.0.xsd"
_DIGEST = f"{_WSS}-username-token-profile-1.0#PasswordDigest"
_NAMES = {"s": SOAP, "a": ADDRESSING, "tds": DEVICE, "trt": MEDIA, "tev": EVENTS, "tt": SCHEMA, "wsnt": NOTIFICATION}


class Refused(SourceError):
    """The device answers with a fault: it has no such service, or not now."""


def element(space: str, name: str, *inside: "etree._Element | str") -> etree._Element:
    """An element with text and children in it."""
    made = etree.Element(f"{{{space}}}{name}", nsmap=_NAMES)
    for one in inside:
        if isinstance(one, str):
            made.text = one
        else:
            made.append(one)
    return made


class Soap:
    """Calls to one device. Its clock is what stamps the tokens, since a device refuses stamps of another time."""

    def __init__(self, config: DeviceConfig, web: Web) -> None:
        self._config = config
        self._web = web
        self.clock_off = timedelta(0)  # the device's less ours

    def address(self, told: str, otherwise: str) -> str:
        """Where to call what the device named: never another host, which would be given our token. Behind a router a
        device names an address that only it knows."""
        try:
            parts = urlsplit(told.strip())
            same = parts.hostname == urlsplit(self._config.url).hostname and parts.scheme in {"http", "https"}
            _ = parts.port
        except ValueError:
            return otherwise
        path = (parts.path or otherwise) + (f"?{parts.query}" if parts.query else "")
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}" if same else path

    async def call(
        self,
        address: str,
        action: str,
        body: etree._Element,
        *,
        headers: Sequence[etree._Element] = (),
        anonymous: bool = False,
        patience: float | None = None,
    ) -> xml.Element:
        """The first element of the answer's body. Raises SourceError."""
        token = () if anonymous else (self._token(),)
        addressed = (
            element(ADDRESSING, "Action", action),
            element(ADDRESSING, "MessageID", f"urn:uuid:{uuid.uuid4()}"),
            element(
                ADDRESSING,
                "ReplyTo",
                element(ADDRESSING, "Address", "http://www.w3.org/2005/08/addressing/anonymous"),
            ),
            element(ADDRESSING, "To", address if "://" in address else f"{self._config.url}{address}"),
        )
        envelope = element(
            SOAP,
            "Envelope",
            element(SOAP, "Header", *token, *addressed, *headers),
            element(SOAP, "Body", body),
        )
        answer = await self._web.send(
            "POST",
            address,
            etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'},
            patience=patience,
        )
        name = action.rpartition("/")[2].removesuffix("Request")
        try:
            root = xml.parse(answer.data)
        except Unreadable as error:
            raise Unreachable(
                f"{self._config.url} answers {name} with {answer.status} and no XML ({error.reason}): does it speak "
                "ONVIF, and is it switched on there?"
            ) from error
        body_of = xml.find(root, "Body")
        inside = None if body_of is None else next(xml.children(body_of), None)
        if inside is None:
            raise Unreachable(f"{self._config.url} answers {name} with an empty envelope: does it speak ONVIF?")
        if xml.name(inside) == "Fault":
            raise self._fault(name, inside)
        return inside

    def _fault(self, name: str, fault: xml.Element) -> SourceError:
        codes = " ".join((one.text or "") for one in fault.iter() if xml.name(one) == "Value")
        told = (xml.text(xml.first(fault, "Text")) or xml.text(xml.first(fault, "faultstring")) or codes)[:200]
        if any(word in codes for word in ("NotAuthorized", "FailedAuthentication", "InvalidSecurity")):
            return CredentialsRefused(
                f"{self._config.url} refuses the user {self._config.username!r} for {name} ({told}): compare username "
                "and password, and give it the right; many devices have users of their own for ONVIF"
            )
        return Refused(f"{self._config.url} refuses {name}: {told}")

    def _token(self) -> etree._Element:
        """Password digest = Base64(SHA-1(nonce + created + password)), WS-Security UsernameToken Profile 1.0."""
        nonce = secrets.token_bytes(16)
        created = (now() + self.clock_off).strftime("%Y-%m-%dT%H:%M:%SZ")
        secret = revealed(self._config).encode()
        digest = hashlib.sha1(nonce + created.encode() + secret, usedforsecurity=False).digest()
        password = element(_SECURITY, "Password", base64.b64encode(digest).decode())
        password.set("Type", _DIGEST)
        given = element(_SECURITY, "Nonce", base64.b64encode(nonce).decode())
        given.set("EncodingType", f"{_WSS}-soap-message-security-1.0#Base64Binary")
        return element(
            _SECURITY,
            "Security",
            element(
                _SECURITY,
                "UsernameToken",
                element(_SECURITY, "Username", self._config.username),
                password,
                given,
                element(_UTILITY, "Created", created),
            ),
        )


def moment(text: str | None) -> datetime | None:
    """An xsd:dateTime of the device; None where it is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
