"""Starts Python processes that import what this process imports, and nothing else.

By default, ``python -c`` searches the working directory first, before Python's own library. A text may come with a
hostile ``json.py`` in its directory, so a process must not search there until it has the search path of its parent.
"""

import json
import subprocess
import sys
from typing import Any

_START = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from {} import {} as main; sys.exit(main())"


def start(module: str, function: str, *arguments: str, **how: Any) -> "subprocess.Popen[bytes]":
    """Start a process that calls a function of a module. ``arguments`` are in its ``sys.argv``, from place 1 on; the
    process exits with the status that the function returns. ``how`` are arguments of :class:`subprocess.Popen`."""
    paths = [path for path in sys.path if isinstance(path, str)]  # Python ignores entries of other types
    command = [sys.executable, *_flags(), "-c", _START.format(module, function), json.dumps(paths), *arguments]
    return subprocess.Popen(command, **how)


def _flags() -> list[str]:
    """Return the options of this process that say from where Python imports and how it encodes text. -P leaves the
    working directory out of the search path."""
    flags = {"-I": "isolated", "-E": "ignore_environment", "-s": "no_user_site", "-S": "no_site"}
    given = [option for option, name in flags.items() if getattr(sys.flags, name)]
    return ["-P", *given, "-X", f"utf8={sys.flags.utf8_mode}"]
