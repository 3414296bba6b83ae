"""Run the command line as ``python -m relay``."""

from relay.core.cli import main

if __name__ == "__main__":
    main()
