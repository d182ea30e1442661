# SPDX-License-Identifier: GPL-2.0-or-later
"""arena - where attacks are made and judged, by their effect only.

An attack is a Row: a request, or steps for the faulty tool chain.  The same row
runs against our server and, as its control, in a place that does not protect:
a plain process, or stock's server.  An effect is a host file that changed, bytes
of a host file in the reply, a connection that was made, a step that says it
worked; a hardened server must show none, the control must show one.
"""
import contextlib
import dataclasses
import glob
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import harness  # noqa: E402
import wirekit  # noqa: E402
from wirekit import Link  # noqa: E402,F401

KIT_NAME = "x86_64-kit-linux-gcc"
KIT_SOURCES = ["kit.c", "kit_files.c", "kit_process.c", "kit_load.c",
               "kit_peer.c", "kit_surface.c"]
SOURCE = "int f(void) { return 42; }\n"
IS_ROOT = os.geteuid() == 0
UP = "/.." * 40
UPREL = "../" * 40
VICTIM_UID = 64990          # the controls' own, where root runs the tests
NORMAL_S = 10
MB = 1024 * 1024


# --- addresses ---------------------------------------------------------------

class _Sources:
    def __init__(self):
        self.n = 0

    def fresh(self):
        """an address of ours that no penalty hangs on"""
        self.n += 1
        return f"127.{10 + self.n // 62500 % 100}.{self.n // 250 % 250}." \
               f"{self.n % 250 + 1}"


fresh_source = _Sources().fresh


# --- processes ---------------------------------------------------------------

def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def processes():
    """{pid: ppid}"""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = read_text(f"/proc/{name}/stat")
            if stat:
                found[int(name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def tree(root):
    """root and everything below it"""
    parents = processes()
    found = {root} if root in parents else set()
    grew = True
    while grew:
        grew = False
        for pid, ppid in parents.items():
            if ppid in found and pid not in found:
                found.add(pid)
                grew = True
    return found


def is_running(pid):
    return read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not \
        in ([], ["Z"])


def running_program(path):
    """pids of processes that run this file, in whatever namespace"""
    want = os.stat(path)
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            st = os.stat(f"/proc/{name}/exe")
            if (st.st_dev, st.st_ino) == (want.st_dev, want.st_ino) and \
                    is_running(name):
                found.append(int(name))
    return found


def wait_until(condition, seconds, step=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return bool(condition())


def meminfo(field):
    return int(re.search(rf"^{field}:\s+(\d+)", read_text("/proc/meminfo"),
                         re.M).group(1)) * 1024


class Memory(threading.Thread):
    """The most that a server's processes and its scratch took, in bytes."""

    def __init__(self, root, scratch=None):
        super().__init__(daemon=True)
        self.root, self.scratch = root, scratch
        self.shmem = meminfo("Shmem")
        self.peak = 0
        self.first = self.sample()
        self.stopped = threading.Event()

    def sample(self):
        total = max(0, meminfo("Shmem") - self.shmem)
        for pid in tree(self.root):
            m = re.search(r"^RssAnon:\s+(\d+)",
                          read_text(f"/proc/{pid}/status"), re.M)
            total += int(m.group(1)) * 1024 if m else 0
        if self.scratch:
            for base, _, names in os.walk(self.scratch):
                for name in names:
                    with contextlib.suppress(OSError):
                        total += os.lstat(
                            os.path.join(base, name)).st_blocks * 512
        return total

    def run(self):
        while not self.stopped.wait(0.05):
            self.peak = max(self.peak, self.sample())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stopped.set()
        self.join()
        self.peak = max(self.peak, self.sample())


# --- servers -----------------------------------------------------------------

class Server:
    """Ours or stock's, with the faulty tool chain among its compilers."""

    def __init__(self, world, stock=False, args=(), jobs=4, env=None,
                 allow="127.0.0.0/8"):
        self.world, self.stock = world, stock
        self.args, self.jobs = list(args), jobs
        self.scratch = tempfile.mkdtemp(prefix="scratch-", dir=world.path)
        os.chmod(self.scratch, 0o1777)
        self.env, self.allow = env or {}, allow
        self.daemon = None
        self.marked = 0
        self.start()

    def start(self):
        env = harness.clean_env(TMPDIR=self.scratch,
                                ESCAPE_CANARY=self.world.env_token,
                                **self.env)
        args = ["--allow", self.allow, *self.args]
        if self.stock:
            program = harness.STOCK_DAEMON
            cmdlist = os.path.join(self.world.path, "cmdlist")
            with open(cmdlist, "w", encoding="ascii") as f:
                for name in ("gcc", "g++", "clang"):
                    f.write((shutil.which(name) or "/nonexistent") + "\n")
                f.write(self.world.kit + "\n")
            env["DISTCC_CMDLIST"] = cmdlist
            env["PATH"] = self.world.kit_dir + ":/usr/bin:/bin"
        else:
            program = harness.OUR_DAEMON
            args += ["--toolchain", self.world.kit_dir,
                     *self.world.sandbox_args]
        self.daemon = harness.Daemon(
            self.world.log_dir, program, args, env=env, jobs=self.jobs,
            log_level="debug")

    @property
    def port(self):
        return self.daemon.port

    @property
    def pid(self):
        return self.daemon.process.pid

    def log(self):
        return self.daemon.log()

    def mark(self):
        """from here on news() is new"""
        self.marked = len(self.lines())

    def news(self):
        return "\n".join(self.lines()[self.marked:])

    def lines(self):
        return self.log().splitlines()

    def is_alive(self):
        return self.daemon.process.poll() is None and \
            harness.is_listening(self.port)

    def revive(self):
        if not self.is_alive():
            self.stop()
            self.start()

    def stop(self):
        below = tree(self.pid)
        self.daemon.stop()
        for pid in below:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def send(self, data, **kwargs):
        kwargs.setdefault("source", fresh_source())
        return wirekit.exchange(self.port, data, **kwargs)

    def job(self, steps, protocol=1, more=(), **kwargs):
        """steps of the faulty tool chain, as a client's compile"""
        argv = [KIT_NAME, *more, "-c", "a.c", "-o", "a.o"]
        return self.send(wirekit.request(argv, steps + "\n", protocol),
                         **kwargs)

    def open(self, source=None, **kwargs):
        return wirekit.Connection(self.port, source or fresh_source(),
                                  **kwargs)

    def start_job(self, steps, source=None, protocol=1):
        """the connection of a job that is under way"""
        c = self.open(source)
        c.send(wirekit.request([KIT_NAME, "-c", "a.c", "-o", "a.o"],
                               steps + "\n", protocol))
        return c

    def normal(self, source=None, timeout=NORMAL_S):
        """seconds that an ordinary compile took, None if it failed"""
        begin = time.monotonic()
        reply = self.send(
            wirekit.request(["gcc", "-c", "n.c", "-o", "n.o"], SOURCE),
            source=source or fresh_source(), timeout=timeout)
        if not reply.ok or not reply.object.startswith(b"\x7fELF"):
            return None
        return time.monotonic() - begin

    def wait_normal(self):
        """a compile from another address within ten seconds"""
        end = time.monotonic() + NORMAL_S
        while time.monotonic() < end:
            if self.normal(timeout=end - time.monotonic()) is not None:
                return True
            time.sleep(0.1)
        return False

    def job_pids(self):
        """of the jobs that run the kit, on any server: not of the questions
        that a server asks of it before its first job"""
        return [pid for pid in running_program(self.world.kit)
                if "-c" in read_text(f"/proc/{pid}/cmdline").split("\0")]

    def is_idle(self):
        """no job's process is left"""
        return not running_program(self.world.kit)


# --- what can be hurt --------------------------------------------------------

def host_files():
    """some readable files of this host that are nobody's business"""
    found = []
    for pattern in ("/etc/hostname", "/root/.*rc", "/home/*/.*rc",
                    "/var/lib/dpkg/status", "/etc/fstab", "/etc/hosts"):
        found += glob.glob(pattern)[:2]
    return found


class World:
    """Directories, canaries and listeners that an attack could reach."""

    def __init__(self, sandbox_args=()):
        # not below a private directory, nor in /tmp, which the jail has too
        self.path = tempfile.mkdtemp(prefix="distcc-arena-", dir="/var/tmp")
        os.chmod(self.path, 0o755)
        self.sandbox_args = list(sandbox_args)
        self.is_reduced = "--sandbox=reduced" in self.sandbox_args
        self.kit_dir = self._dir("kit", 0o755)
        self.kit = os.path.join(self.kit_dir, KIT_NAME)
        self.log_dir = self._dir("log", 0o777)
        self.stage = self._dir("stage", 0o755)
        self.env_token = "ENVC" + secrets.token_hex(12)
        self.secret = self._secret("secret.h", 0o644)
        self.secret_root = self._secret("secret-root", 0o600)
        self.build()

    def _dir(self, name, mode):
        path = os.path.join(self.path, name)
        os.mkdir(path)
        os.chmod(path, mode)
        return path

    def _secret(self, name, mode):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(f"int canary_{secrets.token_hex(12)};\n")
        os.chmod(path, mode)
        return path

    def build(self):
        cc = os.environ.get("CC", "cc")
        subprocess.run(
            [cc, "-O1", "-g", "-std=gnu17", "-D_GNU_SOURCE", "-static", "-o",
             self.kit, *(os.path.join(HERE, s) for s in KIT_SOURCES)],
            check=True)
        shutil.copy(self.kit, os.path.join(self.stage, "tool"))
        shutil.copy(self.kit, os.path.join(self.stage, "as"))
        shutil.copy(self.kit, os.path.join(self.stage, "suid"))
        os.chmod(os.path.join(self.stage, "suid"), 0o4755)
        module = os.path.join(self.stage, "mod.c")
        with open(module, "w", encoding="ascii") as f:
            f.write(MODULE)
        subprocess.run([cc, "-shared", "-fPIC", "-w", "-o",
                        os.path.join(self.stage, "mod.so"), module],
                       check=True)
        with open(os.path.join(self.stage, "vfs.yaml"), "w",
                  encoding="ascii") as f:
            f.write(VFS.replace("SECRET", self.secret))

    def module(self):
        with open(os.path.join(self.stage, "mod.so"), "rb") as f:
            return f.read()

    def program(self):
        with open(self.kit, "rb") as f:
            return f.read()

    def canaries(self):
        """byte strings that must not come back: {name: bytes}"""
        found = {"environment": self.env_token.encode()}
        for name in (self.secret, self.secret_root):
            with contextlib.suppress(OSError), open(name, "rb") as f:
                found[name] = f.read().split()[1].rstrip(b";")
        for name in ("/etc/passwd", "/etc/shadow", "/etc/group",
                     *host_files()):
            with contextlib.suppress(OSError), open(name, "rb") as f:
                line = f.readline().strip()
                if len(line) > 8:
                    found[name] = line
        return found

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)


# A module for gcc, clang, ld and the loader: its effect is a file, named by a
# macro that each test sets in the file mod.path beside it or in /tmp.
MODULE = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>
int plugin_is_GPL_compatible = 1;
int plugin_init(void *a, void *b) { return 0; }
int onload(void *v) { return 0; }
/* whoever loads it leaves the text that it found in the file "mark" here */
__attribute__((constructor)) static void
loaded(void)
{
	char path[512] = "";
	int fd = open("mark", O_RDONLY);
	if (fd < 0)
		return;
	ssize_t n = read(fd, path, sizeof(path) - 1);
	close(fd);
	while (n > 0 && (path[n - 1] == '\n' || path[n - 1] == ' '))
		path[--n] = 0;
	if (n <= 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT, 0666);
	if (fd >= 0)
		(void)!write(fd, "loaded", 6);
	(void)!write(2, "MODULE LOADED\n", 14);
}
"""

VFS = """{ 'version': 0, 'roots': [ { 'name': '/v', 'type': 'directory',
'contents': [ { 'name': 'secret.h', 'type': 'file',
'external-contents': 'SECRET' } ] } ] }
"""

LOADED = r"MODULE LOADED"


def snapshot(path):
    """{name: what can be told of it} of everything below path"""
    found = {}
    for base, dirs, names in os.walk(path):
        for name in dirs + names:
            full = os.path.join(base, name)
            try:
                st = os.lstat(full)
                digest = b""
                if os.path.isfile(full) and not os.path.islink(full):
                    with open(full, "rb") as f:
                        digest = hashlib.sha256(f.read()).digest()
            except OSError:
                continue
            found[os.path.relpath(full, path)] = (st.st_mode, st.st_uid,
                                                  st.st_nlink, digest)
    return found


HOST_PLACES = ["/tmp/new-mark-suid", "/tmp/new-mark", "/dev/shm/new-mark",
               "/usr/local/include/new-mark.h", "/usr/local/lib/new-mark",
               "/usr/lib/gcc/new-mark", "/usr/include/new-mark",
               "/usr/bin/new-mark", "/etc/ld.so.preload", "/var/tmp/new-mark",
               "/dev/mqueue/kit-queue"]
HOST_FILES = ["/usr/bin/as", "/dev/null", "/etc/passwd", "/etc/ld.so.cache",
              "/usr/bin/gcc", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1"]


def host_state():
    state = {}
    for path in HOST_PLACES + HOST_FILES:
        try:
            st = os.lstat(path)
        except OSError:
            state[path] = None
            continue
        state[path] = (st.st_mode, st.st_uid, st.st_ino,
                       st.st_size if path != "/dev/null" else 0)
    return state


class Listener(threading.Thread):
    """Anyone who connects, or sends a datagram, leaves a mark."""

    def __init__(self, family, kind, address):
        super().__init__(daemon=True)
        self.sock = socket.socket(family, kind)
        self.sock.bind(address)
        self.kind = kind
        if kind == socket.SOCK_STREAM:
            self.sock.listen(16)
        self.hits = []
        self.sock.settimeout(0.1)
        self.stopped = False
        self.start()

    def run(self):
        while not self.stopped:
            try:
                if self.kind == socket.SOCK_STREAM:
                    conn, _ = self.sock.accept()
                    self.hits.append(b"connection")
                    conn.close()
                else:
                    self.hits.append(self.sock.recv(4096))
            except socket.timeout:
                continue
            except OSError:
                return

    def stop(self):
        self.stopped = True
        self.join()
        self.sock.close()


class Attempt:
    """One attack's own targets, watched from before it to after it."""

    def __init__(self, world):
        self.world = world
        self.outside = tempfile.mkdtemp(prefix="outside-", dir=world.path)
        os.chmod(self.outside, 0o777)
        for name in ("v", "w", "d/m"):
            path = os.path.join(self.outside, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as f:
                f.write("host file\n")
            os.chmod(path, 0o666)
        os.chmod(os.path.join(self.outside, "d"), 0o777)
        self.token = "TOKN" + secrets.token_hex(12)
        self.abstract = "kit-" + secrets.token_hex(6)
        self.listeners = {
            "unix": Listener(socket.AF_UNIX, socket.SOCK_STREAM,
                             f"{self.outside}/s"),
            "abstract": Listener(socket.AF_UNIX, socket.SOCK_STREAM,
                                 "\0" + self.abstract),
            "tcp": Listener(socket.AF_INET, socket.SOCK_STREAM,
                            ("127.0.0.1", 0)),
            "udp": Listener(socket.AF_INET, socket.SOCK_DGRAM,
                            ("127.0.0.1", 0)),
        }
        os.chmod(f"{self.outside}/s", 0o777)
        self.before = snapshot(self.outside)
        self.host = host_state()

    def port(self, name):
        return self.listeners[name].sock.getsockname()[1]

    def fill(self, text, server=None):
        values = {
            "OUTBASE": os.path.basename(self.outside),
            "OUT": self.outside, "STAGE": self.world.stage,
            "SECRETROOT": self.world.secret_root,
            "SECRET": self.world.secret, "UPREL": UPREL, "UP": UP,
            "ABSTRACT": self.abstract, "TOKEN": self.token,
            "TCP": str(self.port("tcp")), "UDP": str(self.port("udp")),
            "DAEMONPID": str(server.pid) if server else "999999999",
            "KIT": self.world.kit, "ROOT": self.world.path,
        }
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def effects(self, reply=None, marker=None):
        """every effect that can be seen, as text; [] is what we want"""
        found = []
        after = snapshot(self.outside)
        for name in sorted(set(self.before) | set(after)):
            if self.before.get(name) != after.get(name):
                what = "created" if name not in self.before else \
                    "removed" if name not in after else "changed"
                found.append(f"host file {self.outside}/{name} {what}")
        now = host_state()
        found += [f"host file {p} changed" for p in now
                  if now[p] != self.host[p]]
        time.sleep(0.02)
        found += [f"listener {name} hit" for name, listener
                  in self.listeners.items() if listener.hits]
        if reply is not None:
            everything = reply.all_bytes
            found += [f"bytes of {name} in the reply" for name, canary
                      in self.world.canaries().items()
                      if canary in everything]
            if marker is not None and re.search(marker, reply.text, re.M):
                found.append(f"the step works: {marker}")
        return found

    def clean_host(self):
        """what a control made where only our own marks can be"""
        for path in HOST_PLACES:
            if self.host[path] is None and os.path.lexists(path):
                with contextlib.suppress(OSError):
                    os.unlink(path)

    def close(self):
        for listener in self.listeners.values():
            listener.stop()
        shutil.rmtree(self.outside, ignore_errors=True)


# --- rows --------------------------------------------------------------------

@dataclasses.dataclass
class Row:
    """One attack.

    argv        of a compile; or
    steps       of the faulty tool chain
    files       protocol 3: [(name, contents)], a.c is added if missing
    marker      text in the diagnostics that says that it worked
    control     "local": as a plain process; "stock": stock's server;
                anything else: why there is none
    """
    id: str
    title: str
    argv: list = None
    steps: str = None
    source: str = SOURCE
    protocol: int = 1
    files: list = None
    cdir: str = "/w"
    marker: str = None
    control: str = "local"
    more: tuple = ()
    runs: bool = True       # the faulty tool chain must have got to its end
    timeout: float = 20.0

    def is_kit(self):
        return self.steps is not None

    def command(self, attempt, server=None):
        if self.is_kit():
            return [KIT_NAME, *self.more, "-c", "a.c", "-o", "a.o"]
        return [attempt.fill(a, server) for a in self.argv]

    def input_name(self):
        names = [a for a in (self.argv or ["a.c"])
                 if a.endswith((".c", ".cc"))]
        return names[0] if names else "a.c"

    def text(self, attempt, server=None):
        return attempt.fill(self.steps + "\n" if self.is_kit()
                            else self.source, server)

    def tree(self, attempt, server=None):
        found = []
        for name, contents in self.files or []:
            if contents == "MODULE":
                contents = attempt.world.module()
            elif contents == "PROGRAM":
                contents = attempt.world.program()
            elif isinstance(contents, Link):
                contents = Link(attempt.fill(contents))
            elif isinstance(contents, str):
                contents = attempt.fill(contents, server)
            found.append((attempt.fill(name), contents))
        main = self.cdir.rstrip("/") + "/" + self.input_name()
        if all(name != main for name, _ in found):
            found.insert(0, (main, self.text(attempt, server)))
        return found

    def request(self, attempt, server=None):
        argv = self.command(attempt, server)
        if self.protocol == 3:
            return wirekit.pump_request(argv, self.tree(attempt, server),
                                        attempt.fill(self.cdir))
        return wirekit.plain_request(argv, self.text(attempt, server),
                                     self.protocol)

    def on_server(self, attempt, server):
        return server.send(self.request(attempt, server),
                           timeout=self.timeout)

    def locally(self, attempt):
        """as a plain process in a directory of its own"""
        work = tempfile.mkdtemp(prefix="local-", dir=attempt.world.path)
        os.chmod(work, 0o777)
        try:
            return self._locally(attempt, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _locally(self, attempt, work):
        for name, contents in self.tree(attempt):
            path = os.path.join(work, os.path.relpath(name, self.cdir))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if isinstance(contents, Link):
                os.symlink(contents, path)
                continue
            with open(path, "wb") as f:
                f.write(contents.encode() if isinstance(contents, str)
                        else contents)
        argv = self.command(attempt)
        if self.is_kit():
            argv[0] = attempt.world.kit
        env = harness.clean_env(ESCAPE_CANARY=attempt.world.env_token)
        with tempfile.TemporaryFile() as err:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(argv, cwd=work, env=env, check=False,
                               stdin=subprocess.DEVNULL, stdout=err,
                               stderr=err, timeout=self.timeout,
                               start_new_session=True)
            err.seek(0)
            reply = wirekit.Reply()
            reply.serr = err.read(64 * MB)
        for name in ("a.o", "a.d"):
            with contextlib.suppress(OSError), \
                    open(os.path.join(work, name), "rb") as f:
                reply.object += f.read(64 * MB)
        return reply


def explain(reply, effects):
    return f"\n  effects: {effects}\n  reply: {reply!r}"


def check_holds(row, attempt, server):
    """the row against our server: no effect, and it serves others"""
    reply = row.on_server(attempt, server)
    effects = attempt.effects(reply, row.marker)
    # (pump mode needs a full jail, and is refused with a reason)
    is_refused = server.world.is_reduced and row.protocol == 3
    if row.is_kit() and row.runs and not is_refused:
        # or nothing at all would have been tried
        assert "KIT done" in reply.text, explain(reply, effects)
    if reply.wrong is not None:
        effects.append(f"reply malformed: {reply.wrong}")
    if len(reply.raw) > 128 * MB:
        effects.append(f"reply of {len(reply.raw)} bytes")
    if not wait_until(server.is_idle, 3):
        effects.append("a process outlives its job")
    if not server.is_alive():
        effects.append("the server is lost")
    elif not server.wait_normal():
        effects.append("no normal compile within 10 s")
    assert not effects, explain(reply, effects)
    return reply


def check_control(row, attempt, stock):
    """the row where nothing protects: it must show an effect"""
    if row.control == "stock":
        stock.revive()
        lost = stock.pid
        reply = row.on_server(attempt, stock)
        effects = attempt.effects(reply, row.marker)
        if not stock.is_alive():
            effects.append(f"server {lost} lost")
    else:
        reply = row.locally(attempt)
        effects = attempt.effects(reply, row.marker)
    attempt.clean_host()
    assert effects, "the attack does not work even without protection" + \
        explain(reply, effects)
