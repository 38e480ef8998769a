"""The command line: one file a command, and one that prints."""
