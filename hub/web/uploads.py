"""POST /uploads: a file as the request's body, kept until a mutation names it by the id that is answered."""

from starlette.requests import Request
from starlette.responses import Response

from hub.access.authority import Authority
from hub.access.moment import Moment
from hub.access.rights import Rights
from hub.errors import Code, Forbidden, Refused, StorageFull
from hub.ingest.uploads import TooLarge, Uploads
from hub.viewer import Action
from hub.web import credentials
from hub.web.config import WebConfig
from hub.web.encoding import encode
from hub.web.endpoint import Endpoint
from hub.web.errors import refusal


class Receiver(Endpoint):
    """The route's ASGI application; what is wrong is said in its first error's message, as everywhere."""

    def __init__(
        self, uploads: Uploads, config: WebConfig, authority: Authority, rights: Rights, moment: Moment
    ) -> None:
        self._uploads = uploads
        self._config = config
        self._authority = authority
        self._rights = rights
        self._moment = moment

    async def respond(self, request: Request) -> Response:
        if request.method != "POST":
            return refusal(405, "A file is sent here by POST, its bytes being the body.", Allow="POST")
        if request.headers.get("content-type", "").startswith("multipart/"):
            return refusal(415, "Send the file's bytes alone as the body, not as a form: curl --data-binary @FILE.")
        viewer = await self._authority.viewer(credentials.of_request(request, self._config))
        if not self._rights.mask(self._moment.of(viewer), Action.WRITE):
            raise Forbidden("You may change nothing here, so there is nothing to send a file for.")
        declared = request.headers.get("content-length", "")
        try:
            if declared.isascii() and declared.isdigit() and int(declared) > self._uploads.limit:
                raise TooLarge(f"The file has more than {self._uploads.limit:,} bytes ([web] upload_limit): part it.")
            upload = await self._uploads.receive(request.stream())
        except TooLarge as error:
            return refusal(413, error.message, Connection="close")
        except Refused as error:
            return refusal(429, error.message, Code.RATE_LIMITED, Connection="close")
        except StorageFull as error:
            return refusal(507, error.message, error.code, Connection="close")
        body = encode({"id": upload.id, "size": upload.size})
        return Response(body, status_code=201, media_type="application/json")
