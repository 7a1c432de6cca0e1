"""The issuer's face: its endpoints and its pages, which need no script."""
