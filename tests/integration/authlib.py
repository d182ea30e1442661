# SPDX-License-Identifier: GPL-2.0-or-later
"""authlib - a realm, daemons and clients in it, and somebody in between."""
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import harness
import kdc

MARKER = "secret_function_of_the_firm"


def build(c, name="a.c"):
    """A compile; whether it was done remotely, with the local object."""
    c.forget()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{c.directory}/remote.o")
    p = c.run("gcc", "-g0", "-c", name, "-o", "remote.o")
    if p.returncode != 0:
        return False
    subprocess.run(["gcc", "-g0", "-c", name, "-o", "local.o"],
                   cwd=c.directory, check=True)
    with open(f"{c.directory}/remote.o", "rb") as a, \
            open(f"{c.directory}/local.o", "rb") as b:
        assert a.read() == b.read()
    return c.remote_jobs() == 1


def logged(daemon, text, seconds=5, count=1):
    """Wait for it, so many times."""
    end = time.monotonic() + seconds
    while daemon.log().count(text) < count:
        if time.monotonic() > end:
            raise AssertionError(f"no {text!r} in:\n{daemon.log()}")
        time.sleep(0.02)
    return True


class Realm:
    """A KDC with alice, mallory and a keytab with two services."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="distcc-realm-")
        os.chmod(self.dir, 0o755)       # daemons drop to another user
        self.kdc = kdc.Kdc(self.dir, ("TEST.LOCAL", "OTHER.LOCAL"))
        for name in ("alice", "mallory", "alice@OTHER.LOCAL"):
            self.kdc.add(name)
        self.kdc.cross_realm("OTHER.LOCAL", "TEST.LOCAL")
        self.keytab = self.kdc.keytab("keytab", "distcc/localhost",
                                      "host/localhost")
        os.chmod(self.keytab, 0o644)    # stock reads it as its user
        self.alice = self.kdc.kinit("alice")

    def replay_dir(self):
        path = tempfile.mkdtemp(dir=self.dir, prefix="rcache-")
        os.chmod(path, 0o1777)
        return path

    def server_env(self, **more):
        """A replay cache of its own for each daemon."""
        env = self.kdc.env(KRB5_KTNAME=self.keytab,
                           KRB5RCACHEDIR=self.replay_dir())
        env.update(more)
        return harness.clean_env(**env)

    def stop(self):
        self.kdc.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def packets(sock):
    """Each packet of either handshake or of the sealed records: (name, bytes);
    a lone byte ("*", "y", "n") has itself as its name."""
    def exactly(n):
        data = b""
        while len(data) < n:
            part = sock.recv(n - len(data))
            if not part:
                raise EOFError(data)
            data += part
        return data

    while True:
        try:
            first = exactly(1)
            if first in b"*yn":
                yield first.decode(), first
                continue
            head = first + exactly(11)
            name = head[:4].decode("ascii", "replace")
            body = b"" if name in ("SEAL", "DIST", "ARGC", "DONE", "STAT") \
                else exactly(int(head[4:], 16))
            yield name, head + body
        except (EOFError, ConnectionError, OSError):
            return


class Middle:
    """Somebody between client and server, who sees every packet.

    change(side, number, name, data) gives what is passed on; with None behind
    the bytes, in a tuple, the connection is cut there.  number counts the
    records (SREC) of a side.
    """

    def __init__(self, server_port, change=None):
        self.change = change or (lambda side, number, name, data: data)
        self.server_port = server_port
        self.seen = {"client": [], "server": []}
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.threads = []
        self.is_open = True
        self.start(self.accept)

    def start(self, function, *args):
        t = threading.Thread(target=function, args=args, daemon=True)
        t.start()
        self.threads.append(t)

    def accept(self):
        while self.is_open:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self.start(self.pump, "client", client, server)
            self.start(self.pump, "server", server, client)

    def pump(self, side, source, target):
        number = 0
        for name, data in packets(source):
            self.seen[side].append((name, data))
            data = self.change(side, number, name, data)
            number += name == "SREC"
            is_cut = isinstance(data, tuple)
            try:
                target.sendall(data[0] if is_cut else data)
            except OSError:
                is_cut = True
            if is_cut:
                for s in (source, target):
                    with contextlib.suppress(OSError):
                        s.shutdown(socket.SHUT_RDWR)
                return
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def records(self, side):
        return [d for n, d in self.seen[side] if n == "SREC"]

    def stop(self):
        self.is_open = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def talk(port, data, timeout=10):
    """Send bytes, say that no more come, and give the whole answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        with contextlib.suppress(OSError):
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while True:
                part = s.recv(65536)
                if not part:
                    break
                answer += part
    return answer


def job(name=b"gcc", source=b"int relayed(void) { return 1; }\n"):
    """A whole plain request, protocol 1."""
    argv = [name, b"-c", b"a.c", b"-o", b"a.o"]
    return b"DIST00000001ARGC%08x" % len(argv) + b"".join(
        b"ARGV%08x%s" % (len(a), a) for a in argv) + \
        b"DOTI%08x%s" % (len(source), source)


def large_source():
    """Preprocesses and compiles to some hundred kilobytes."""
    rows = "".join("%d," % ((i * 2654435761) & 0xffff) for i in range(45000))
    return f"int {MARKER}[] = {{ {rows} }};\n"
