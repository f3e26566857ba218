#!/usr/bin/env python
"""Entry of every command of the venue; finds the running stack through the data folder.
Called by people, the Makefile and the supervisor."""

import os
import sys


def main() -> None:
    """Prepare the environment, then hand over to Django."""
    from exchange.stack.locate import environment_prepare

    environment_prepare(os.environ, sys.argv[1:2])
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
