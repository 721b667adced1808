"""Becomes the command it is given, after asking the kernel to kill it when its parent dies.

Run by path (`python -I -S launch.py PARENT COMMAND…`), so that it starts in a few milliseconds and keeps its pid.
Linux sends the signal when the *thread* that forked ends, so start lasting children from a main thread (prctl(2)).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NOT_STARTED = 127  # what a shell answers for a command that it cannot run


def main() -> None:
    """Bind our life to the parent's, then be the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit(_NOT_STARTED)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- this program's whole purpose
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
