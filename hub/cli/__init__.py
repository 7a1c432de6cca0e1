"""The `causeway` command."""

import sys

from hub.cli.commands import app
from hub.errors import CausewayError, SettingsError


def main() -> None:
    try:
        app(prog_name="causeway")
    except SettingsError as error:
        print(f"causeway: wrong settings\n{error.message}", file=sys.stderr)
        sys.exit(2)
    except CausewayError as error:
        print(f"causeway: {error.message}", file=sys.stderr)
        sys.exit(1)
