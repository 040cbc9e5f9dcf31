"""The process that checks the store, apart from the server: `python -m khemon.gate.checker`, asked on its input.

A check judges the whole store anew, which takes minutes of a large one; in a thread of the server no page would be
answered meanwhile. The server names the database on this process's input (an address may hold a password, so it stands
on no command line) and holds that open: when it closes, the server is gone, and this process ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TextIO

#: The exit code of a check that could not be made.
NOT_MADE = 3


def main(asked: TextIO, told: TextIO) -> int:
    """Reads one line `{"url", "now_ms"}`, writes the document of the check, or {"fault"}, as one line; an exit code."""
    request = json.loads(asked.readline())
    threading.Thread(target=_end_with_server, args=(asked,), daemon=True).start()

    from khemon.actions.checking import checked
    from khemon.gate.quiet import where_of

    try:
        answer = checked(request["url"], request["now_ms"])
    except Exception as problem:  # what it says may name a patient: only its kind and place are told
        answer = {"fault": where_of(problem)}
    told.write(json.dumps(answer) + "\n")
    told.flush()
    return NOT_MADE if "fault" in answer else 0


def _end_with_server(asked: TextIO) -> None:
    os.read(asked.fileno(), 1)  # past Python's own buffer, whose lock would be in the way of an ordinary end
    os._exit(NOT_MADE)


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
