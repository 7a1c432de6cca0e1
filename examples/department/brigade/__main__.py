"""`python -m brigade`: serves the subgraph, prints its schema, or adds an engine."""

import argparse
import ipaddress
from pathlib import Path

import uvicorn

from brigade.graph import EngineKind, schema
from brigade.store import Refused, Store
from brigade.tokens import Anyone, Issuer
from brigade.web import application


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m brigade", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the subgraph at /graphql")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8100)
    serve.add_argument("--issuer", help="whose tokens are taken, such as http://127.0.0.1:8000; without: no tokens")
    serve.add_argument("--audience", help="whom the tokens are for; without: the issuer's address")
    add = commands.add_parser("add", help="add an engine, and print its id")
    add.add_argument("call_sign")
    add.add_argument("--kind", choices=[kind.value for kind in EngineKind], default=EngineKind.PUMP.value)
    add.add_argument("--crew", type=int, default=6)
    add.add_argument("--station", help="the id of one of the hub's places")
    for command in (serve, add):
        command.add_argument("--store", type=Path, default=Path("brigade.db"), help="the SQLite file")
    commands.add_parser("schema", help="print the schema, for the composer")
    given = parser.parse_args()
    if given.command == "schema":
        print(schema.as_str())
    elif given.command == "add":
        try:
            print(Store(given.store).add(given.call_sign, given.kind, given.crew, given.station))
        except Refused as error:
            raise SystemExit(str(error)) from error
    else:
        if given.issuer is None and not ipaddress.ip_address(given.host).is_loopback:
            raise SystemExit("without --issuer it listens on loopback alone, for it asks nobody who they are")
        issuer = given.issuer and Issuer(given.issuer, given.audience or given.issuer)
        uvicorn.run(
            application(Store(given.store), issuer or Anyone()), host=given.host, port=given.port, log_level="warning"
        )


if __name__ == "__main__":
    main()
