"""The open files of a process: each connection is one, and the usual soft limit is a thousand of them."""

import fcntl
import os
import resource

TABLE = 1 << 16  # files of the table that is made at the start: half a MiB of the kernel's memory


def take_all() -> None:
    """Let this process have as many files as it may, without a stall on the way there.

    Linux makes the table of files anew at each doubling, and while a process has threads, whoever opened the one too
    many sleeps there for 10 to 30 ms (it waits for RCU), the event loop too: so it is made large at once.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with open(os.devnull, "rb") as some:
        os.close(fcntl.fcntl(some, fcntl.F_DUPFD_CLOEXEC, min(most, TABLE) - 1))
