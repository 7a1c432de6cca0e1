"""`python -m tests.conformance.products.serve PORT`: the suite's subgraph through the hub's own transport."""

import asyncio
import sys

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from hub.telemetry import Metrics
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.limits import Limits
from hub.web.server import serve
from tests.conformance.products.graph import schema
from tests.conformance.products.tracing import Noticing


async def main(port: int) -> None:
    config = WebConfig(port=port, limits=Limits(told=False))
    inner = create_application(schema, lambda asker, mask: {}, config, metrics=Metrics(), probes=Probes())
    application = Starlette(routes=[Mount("/", inner)], middleware=[Middleware(Noticing)])
    application.state.sessions, application.state.closing = inner.state.sessions, inner.state.closing
    await serve(application, config, asyncio.Event(), lambda url: print(f"listening {url}", flush=True))


if __name__ == "__main__":
    if sys.argv[1:] == ["schema"]:
        print(schema.as_str())
    else:
        asyncio.run(main(int(sys.argv[1])))
