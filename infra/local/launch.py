"""Replaces itself by a command that dies with its parent, or starts a command that outlives it.

This file is run by its path, so that it starts in a few milliseconds:

`python -I -S launch.py PARENT COMMAND…` keeps its pid, and the kernel kills it when the process PARENT dies. Linux
sends the signal when the *thread* that forked ends (prctl(2)). So start long-lived children from the main thread.

`python -I -S launch.py detached COMMAND…` starts the command in a new session and prints its pid.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NOT_STARTED_EXIT_CODE = 127  # as a shell, for a command that it cannot run


def main() -> None:
    """Bind this process to its parent, or detach from it; then become the command."""
    parent, command = sys.argv[1], sys.argv[2:]
    if parent == "detached":
        if child := os.fork():
            sys.stdout.write(f"{child}\n")
            return
        os.setsid()
        os.dup2(2, 1)  # stdout was only for the pid
    else:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # the parent died before prctl
            sys.exit(_NOT_STARTED_EXIT_CODE)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- this program's whole purpose
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
