"""`python -m edgecompress`: the same as the command `edgecompress`."""

from edgecompress.cli.main import main

if __name__ == "__main__":
    main()
