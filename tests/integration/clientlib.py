# SPDX-License-Identifier: GPL-2.0-or-later
"""What the client's tests share: the program, a private directory, a stock
daemon, and a server made of a few lines that does what a test wants."""
import os
import shutil
import socket
import subprocess
import threading
import time

BUILD = os.environ.get("DISTCC_BUILD") or os.path.join(
    os.path.dirname(__file__), "..", "..", "build")
DISTCC = os.path.abspath(os.path.join(BUILD, "bin", "distcc"))
STOCK_DAEMON = "/usr/bin/distccd"
STOCK_CLIENT = "/usr/bin/distcc"

HELLO = """#include <stdio.h>
int hello(int n) { return printf("hello %d\\n", n); }
"""


def token(name, value):
    return b"%s%08x" % (name.encode(), value)


def reply(status=0, err=b"", out=b"", obj=b"", version=1):
    return b"".join([
        token("DONE", version), token("STAT", status),
        token("SERR", len(err)), err, token("SOUT", len(out)), out,
        token("DOTO", len(obj)), obj])


def read_exactly(conn, count):
    data = b""
    while len(data) < count:
        piece = conn.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_token(conn):
    head = read_exactly(conn, 12)
    return head[:4].decode(), int(head[4:], 16)


def read_request(conn):
    """(version, argv, source) of a request of protocol 1 or 2."""
    name, version = read_token(conn)
    assert name == "DIST"
    name, argc = read_token(conn)
    assert name == "ARGC"
    argv = []
    for _ in range(argc):
        name, length = read_token(conn)
        assert name == "ARGV"
        argv.append(read_exactly(conn, length).decode())
    name, length = read_token(conn)
    assert name == "DOTI"
    return version, argv, read_exactly(conn, length)


class FakeServer:
    """Serves each connection with serve(conn), in a thread of its own."""

    def __init__(self, serve, host="127.0.0.1", family=socket.AF_INET):
        self.serve = serve
        self.count = 0
        self.requests = []
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.bind((host, 0))
        self.sock.listen(64)
        self.port = self.sock.getsockname()[1]
        self.spec = (f"[{host}]:{self.port}" if ":" in host
                     else f"{host}:{self.port}")
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.one, args=(conn,),
                             daemon=True).start()

    def one(self, conn):
        with conn:
            try:
                self.serve(conn)
            except (OSError, EOFError):
                pass

    def close(self):
        # shutdown wakes the thread in accept(); close alone does not
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def answer(data):
    """serve(): read a whole request, then send data."""
    def serve(conn):
        read_request(conn)
        conn.sendall(data)
    return serve


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class StockDaemon:
    def __init__(self, directory):
        self.port = free_port()
        self.spec = f"127.0.0.1:{self.port}"
        self.log_path = os.path.join(directory, "distccd.log")
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [STOCK_DAEMON, "--daemon", "--no-detach", "--allow", "127.0.0.1",
             "--listen", "127.0.0.1", "--port", str(self.port), "--jobs", "4",
             "--log-stderr", "--verbose"],
            stdout=self.log, stderr=self.log, start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        self.close()
        raise RuntimeError("stock distccd does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Client:
    """distcc with a directory, an environment and a place to work in."""

    def __init__(self, directory, program=DISTCC):
        self.directory = str(directory)
        self.program = program
        self.work = os.path.join(self.directory, "work")
        self.state = os.path.join(self.directory, "state")
        os.makedirs(self.work, exist_ok=True)
        os.makedirs(self.state, exist_ok=True)
        self.env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": self.directory,
            "DISTCC_DIR": self.state,
            "LC_ALL": "C",
        }
        self.write("hello.c", HELLO)

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def exists(self, name):
        return os.path.exists(self.path(name))

    def environment(self, hosts, env):
        full = dict(self.env)
        if hosts is not None:
            full["DISTCC_HOSTS"] = hosts
        for name, value in env.items():
            if value is None:
                full.pop(name, None)
            else:
                full[name] = str(value)
        return full

    def start(self, *args, hosts=None, **env):
        return subprocess.Popen(
            [self.program, *args], cwd=self.work, text=True,
            env=self.environment(hosts, env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *args, hosts=None, timeout=60, **env):
        return subprocess.run(
            [self.program, *args], cwd=self.work, text=True, timeout=timeout,
            env=self.environment(hosts, env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def local(self, *args):
        """The compiler alone, in the same place."""
        return subprocess.run(args, cwd=self.work, env=self.env, text=True,
                              capture_output=True, check=False)

    def leftovers(self):
        return sorted(name for name in os.listdir(self.work)
                      if name.startswith(".distcc"))

    def locks(self):
        directory = os.path.join(self.state, "lock")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) \
            else []


def has(program):
    return shutil.which(program) is not None


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False
