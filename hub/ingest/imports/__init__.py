"""What a park enters by hand: tables and plans become claims of source `hub`, after a look at what would change."""
