# SPDX-License-Identifier: GPL-2.0-or-later
"""audit - which system calls a filter would have refused.

With --sandbox-filter=log the kernel lets them through and writes a line about
each.  A thread reads /dev/kmsg from the moment on that it is made.
"""
import os
import re
import subprocess
import threading
import time

RATE = "/proc/sys/kernel/printk_ratelimit"
HEADERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
# refused by design and expected by libc, which does without
HARMLESS = {"clone3"}
CONTROL = ("python3", "uname")


def name_of(number):
    with open(HEADERS, encoding="ascii") as f:
        found = re.search(rf"__NR_(\w+) {number}\b", f.read())
    return found[1] if found else str(number)


def why_not():
    """the reason why nothing can be seen here, or None"""
    if os.geteuid() != 0:
        return "reading the kernel's log needs root"
    if os.uname().machine != "x86_64" or not os.path.exists(HEADERS):
        return "names of system calls are only known for x86_64"
    with Trace() as trace:
        log_one_uname()
        if CONTROL not in trace.found_so_far():
            return "this kernel writes no line for a logged system call"
    return None


def log_one_uname():
    """the control: a filter that logs uname(), and a uname()"""
    code = ("import ctypes, os, struct\n"
            "c = ctypes.CDLL(None, use_errno=True)\n"
            "ins = [(0x20,0,0,0),(0x15,0,1,63),(6,0,0,0x7ffc0000),"
            "(6,0,0,0x7fff0000)]\n"
            "buf = ctypes.create_string_buffer(b''.join("
            "struct.pack('HBBI', *i) for i in ins))\n"
            "prog = struct.pack('HxxxxxxQ', len(ins), "
            "ctypes.addressof(buf))\n"
            "c.prctl(38, 1, 0, 0, 0)\n"
            "assert c.syscall(317, 1, 0, prog) == 0\n"
            "os.uname()\n")
    subprocess.run(["/usr/bin/python3", "-c", code], check=True)


class Trace(threading.Thread):
    """Collects while it is entered; calls() is {(program, system call)}."""

    def __init__(self):
        super().__init__(daemon=True)
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.found, self.lost, self.stopped = set(), False, False
        with open(RATE, encoding="ascii") as f:
            self.rate = f.read()

    def __enter__(self):
        with open(RATE, "w", encoding="ascii") as f:
            f.write("0")        # or most lines would be dropped
        self.start()
        return self

    def __exit__(self, *unused):
        self.stopped = True
        self.join()
        with open(RATE, "w", encoding="ascii") as f:
            f.write(self.rate)
        os.close(self.fd)

    def run(self):
        while not self.stopped:
            try:
                self.note(os.read(self.fd, 8192).decode("utf-8", "replace"))
            except BlockingIOError:
                time.sleep(0.02)
            except BrokenPipeError:     # overwritten before it was read
                self.lost = True

    def note(self, line):
        if "type=1326" not in line or "code=0x7ffc0000" not in line:
            return
        comm = re.search(r'comm="([^"]*)"', line)
        number = re.search(r"syscall=(\d+)", line)
        self.found.add((comm[1] if comm else "?", name_of(number[1])))

    def found_so_far(self):
        time.sleep(0.3)
        return self.found

    def calls(self):
        return {(who, call) for who, call in self.found_so_far()
                if call not in HARMLESS and (who, call) != CONTROL}


# --- a whole session of pytest: DISTCC_TEST_FILTER=log -----------------------

class Session:
    """For a conftest: one Trace around all tests, findings at the end."""

    def __init__(self, mode):
        self.trace = None
        self.why = why_not() if mode == "log" else "not asked for"
        if not self.why:
            self.trace = Trace()
            self.trace.__enter__()

    def finish(self, session):
        if self.trace is None:
            return
        self.found = sorted(self.trace.calls())
        self.trace.__exit__()
        if self.found or self.trace.lost:
            session.exitstatus = 1

    def report(self, reporter):
        if self.trace is None:
            return
        reporter.section("system calls that a filter would refuse")
        if self.trace.lost:
            reporter.write_line("lines of the kernel's log were lost")
        for who, call in self.found:
            reporter.write_line(f"{who:20} {call}")
        reporter.write_line(f"{len(self.found)} found")
