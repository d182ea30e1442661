# SPDX-License-Identifier: GPL-2.0-or-later
"""wirekit - a client that says whatever it likes.

Builds any request of protocols 1, 2 and 3, right or wrong, and sends it whole,
in parts, slowly, or not to the end.  Standard library only; LZO by ctypes.
"""
import contextlib
import ctypes
import ctypes.util
import random
import socket
import struct
import time

UNPACKED_MAX = 256 * 1024 * 1024


# --- LZO ---------------------------------------------------------------------

class Lzo:
    """liblzo2's lzo1x_1, loaded when first used"""

    def __init__(self):
        name = ctypes.util.find_library("lzo2") or "liblzo2.so.2"
        self.lib = ctypes.CDLL(name)
        self.work = ctypes.create_string_buffer(16384 * 8)

    def pack(self, data):
        if not data:
            return b""
        out = ctypes.create_string_buffer(len(data) + len(data) // 16 + 67)
        n = ctypes.c_size_t(len(out))
        r = self.lib.lzo1x_1_compress(
            bytes(data), ctypes.c_size_t(len(data)), out, ctypes.byref(n),
            self.work)
        assert r == 0, r
        return out.raw[:n.value]

    def unpack(self, data):
        size = max(4096, len(data) * 8)
        while data:
            out = ctypes.create_string_buffer(size)
            n = ctypes.c_size_t(size)
            r = self.lib.lzo1x_decompress_safe(
                bytes(data), ctypes.c_size_t(len(data)), out,
                ctypes.byref(n), None)
            if r == 0:
                return out.raw[:n.value]
            if r != -5 or size > UNPACKED_MAX:   # output overrun
                raise ValueError(f"lzo: {r}")
            size *= 4
        return b""


_lzo = []


def lzo():
    if not _lzo:
        _lzo.append(Lzo())
    return _lzo[0]


# --- requests ----------------------------------------------------------------

def token(name, value):
    return name.encode() + b"%08x" % value


def string(name, text):
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogateescape")
    return token(name, len(text)) + text


def argv_tokens(argv):
    return token("ARGC", len(argv)) + b"".join(string("ARGV", a) for a in argv)


def body(name, data, protocol):
    if isinstance(data, str):
        data = data.encode()
    if protocol > 1:
        data = lzo().pack(data)
    return token(name, len(data)) + data


def plain_request(argv, source, protocol=1):
    """protocols 1 and 2"""
    return (token("DIST", protocol) + argv_tokens(argv) +
            body("DOTI", source, protocol))


class Link(str):
    """the target of a link among a protocol 3 request's files"""


def pump_request(argv, files, cdir="/w"):
    """protocol 3; files: [(name, contents or Link)]"""
    out = [token("DIST", 3), string("CDIR", cdir), argv_tokens(argv),
           token("NFIL", len(files))]
    for name, contents in files:
        out.append(string("NAME", name))
        if isinstance(contents, Link):
            out.append(string("LINK", str(contents)))
        else:
            out.append(body("FILE", contents, 3))
    return b"".join(out)


def request(argv, source, protocol=1, name="a.c"):
    """the same compile in any protocol"""
    if protocol == 3:
        return pump_request(argv, [(f"/w/{name}", source)])
    return plain_request(argv, source, protocol)


def mutate(data, rng):
    """one to four small changes"""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not data:
            break
        at = rng.randrange(len(data))
        kind = rng.randrange(7)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            del data[at:at + rng.randint(1, 16)]
        elif kind == 3:
            data[at:at] = bytes(rng.randrange(256)
                                for _ in range(rng.randint(1, 16)))
        elif kind == 4:
            del data[at:]
        elif kind == 5:                   # another number in a header
            data[at:at + 8] = b"%08x" % rng.choice(
                (0, 1, 0x7fffffff, 0xffffffff, 0xfffffff0, 0x10000))
        else:
            data[at:at] = data[at:at + rng.randint(1, 64)]
    return bytes(data)


def rng(seed):
    return random.Random(seed)


# --- replies -----------------------------------------------------------------

class Reply:
    """What came back.  raw: every byte; the parts are unpacked."""

    def __init__(self, raw=b"", ended="eof", seconds=0.0):
        self.raw = raw
        self.ended = ended          # eof, reset, timeout, limit
        self.seconds = seconds
        self.tokens = []
        self.status = None
        self.serr = self.sout = self.object = self.deps = b""
        self.complete = False
        self.wrong = None           # why the bytes are no reply
        if raw:
            self._parse()

    def _parse(self):
        data, at, protocol = self.raw, 0, 1
        names = {b"SERR": "serr", b"SOUT": "sout", b"DOTO": "object",
                 b"DOTD": "deps"}
        while at < len(data):
            head = data[at:at + 12]
            try:
                name, value = head[:4], int(head[4:], 16)
            except ValueError:
                self.wrong = f"bad header {head!r}"
                return
            if len(head) < 12:
                self.wrong = "cut header"
                return
            at += 12
            self.tokens.append((name.decode("latin-1"), value))
            if name == b"DONE":
                protocol = value
            elif name == b"STAT":
                self.status = value
            elif name in names:
                part = data[at:at + value]
                if len(part) < value:
                    self.wrong = f"cut in {name.decode()}"
                    return
                at += value
                if protocol > 1 and part:
                    part = lzo().unpack(part)
                setattr(self, names[name], part)
            else:
                self.wrong = f"unknown token {name!r}"
                return
        last = "DOTD" if protocol == 3 else "DOTO"
        self.complete = any(t[0] in (last, "DOTO") for t in self.tokens)

    @property
    def ok(self):
        return self.complete and self.status == 0

    @property
    def text(self):
        return (self.serr + b"\n" + self.sout).decode("utf-8", "replace")

    @property
    def all_bytes(self):
        return b"\n".join((self.raw, self.serr, self.sout, self.object,
                           self.deps))

    def __repr__(self):
        return (f"<Reply {self.ended} {len(self.raw)} bytes {self.tokens} "
                f"wrong={self.wrong} {self.text.strip()[:1500]!r}>")


# --- connections -------------------------------------------------------------

class Connection:
    def __init__(self, port, source="127.0.0.1", host="127.0.0.1",
                 timeout=10.0, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        self.sock.settimeout(timeout)
        try:
            self.sock.bind((source, 0))
            self.sock.connect((host, port))
        except OSError:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        """False when the server does not take it"""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def dribble(self, data, delay):
        for b in data:
            if not self.send(bytes((b,))):
                return False
            time.sleep(delay)
        return True

    def half_close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def receive(self, timeout=15.0, limit=256 << 20):
        begin = time.monotonic()
        end = begin + timeout
        parts, size, ended = [], 0, "eof"
        while True:
            left = end - time.monotonic()
            if left <= 0:
                ended = "timeout"
                break
            self.sock.settimeout(left)
            try:
                part = self.sock.recv(1 << 20)
            except socket.timeout:
                ended = "timeout"
                break
            except OSError:
                ended = "reset"
                break
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > limit:
                ended = "limit"
                break
        return Reply(b"".join(parts), ended, time.monotonic() - begin)

    def is_closed(self, timeout):
        """whether the server ends the connection within the time"""
        self.sock.settimeout(timeout)
        try:
            return self.sock.recv(1) == b""
        except socket.timeout:
            return False
        except OSError:
            return True

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def exchange(port, data, source="127.0.0.1", timeout=15.0, half_close=False,
             limit=256 << 20):
    """One connection, one request, one reply; errors are in the reply."""
    try:
        with Connection(port, source) as c:
            c.send(data)
            if half_close:
                c.half_close()
            return c.receive(timeout, limit)
    except OSError as e:
        return Reply(b"", f"refused: {e}")
