"""A shell with job control and one job, for tests: `python shell.py CONTROL COMMAND...` on a terminal of its own.

It prints what becomes of the job, one line each: `stopped SIGNAL` or `ended STATUS`. A byte on the descriptor CONTROL
continues a stopped job in the foreground.
"""

import fcntl
import os
import signal
import sys
import termios


def main(control: int, command: list[str]) -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
            return
        print(f"stopped {signal.Signals(os.WSTOPSIG(status)).name}", flush=True)
        os.read(control, 1)
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)


main(int(sys.argv[1]), sys.argv[2:])
