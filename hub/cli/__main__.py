"""`python -m hub.cli`: the same as `causeway`."""

from hub.cli import main

main()
