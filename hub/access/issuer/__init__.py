"""The hub's own authorization server, for stand-alone parks and the demo: accounts, clients, tokens, keys."""
