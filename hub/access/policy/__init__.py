"""Who may see what: roles as data, decisions by Cedar policies in files, compiled into masks."""
