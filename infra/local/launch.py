"""Becomes the command it is given, bound to its parent's life or free of it.

Run by path, so that it starts in a few milliseconds:

`python -I -S launch.py PARENT COMMAND…` asks the kernel to kill it when its parent dies, and keeps its pid. Linux sends
the signal when the *thread* that forked ends, so start lasting children from a main thread (prctl(2)).

`python -I -S launch.py detached COMMAND…` is the command in a session of its own, and says its pid.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NOT_STARTED = 127  # what a shell answers for a command that it cannot run


def main() -> None:
    """Bind our life to the parent's, or leave it; then be the command."""
    parent, command = sys.argv[1], sys.argv[2:]
    if parent == "detached":
        if child := os.fork():
            sys.stdout.write(f"{child}\n")
            return
        os.setsid()
        os.dup2(2, 1)  # the first output was for the pid
    else:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # it died before the kernel was asked
            sys.exit(_NOT_STARTED)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- this program's whole purpose
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
