"""``python -m hue_cli``: the same command as ``hue``."""

from hue_cli.cli.app import main

if __name__ == "__main__":
    main()
