#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench - what distributing a job costs, ours beside stock in one run.

fake   a compiler that costs nothing: pure cost of distribution
gcc    a C file of one function
Each configuration is measured in turn, ROUNDS times over, so that a change of
the machine's mood meets all of them; compare ratios within one run.

wall   milliseconds a job at -j1; jobs/s at -j8
client user + system time of the client's process tree (wait4)
server of the daemon and all it starts: from a cgroup where one can be made
       (nanoseconds), else from /proc (ticks)
"""
import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

FUNCTION = """int
gcd(int a, int b)
{
	while (b != 0) {
		int t = a % b;

		a = b;
		b = t;
	}
	return a;
}
"""


# --- processor time of a daemon ----------------------------------------------

class CgroupCpu:
    """The daemon in a cgroup of its own: cpuacct (v1) or cpu.stat (v2)."""

    KINDS = [("/sys/fs/cgroup/cpuacct", "cpuacct.usage"),
             ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage"),
             ("/sys/fs/cgroup", "cpu.stat")]

    def __init__(self):
        for base, usage in self.KINDS:
            path = f"{base}/distcc-bench-{os.getpid()}-{time.monotonic_ns()}"
            if not os.path.exists(f"{base}/{usage}"):
                continue
            with contextlib.suppress(OSError):
                os.mkdir(path)
                self.path, self.usage = path, f"{path}/{usage}"
                return
        raise OSError("no cgroup can be made")

    def enter(self):
        """In the daemon's process before exec, so that nothing is missed."""
        with open(f"{self.path}/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(os.getpid()))

    def watch(self, pid):
        pass

    def seconds(self):
        with open(self.usage, encoding="ascii") as f:
            text = f.read()
        if self.usage.endswith("cpuacct.usage"):
            return int(text) / 1e9
        return int(re.search(r"usage_usec (\d+)", text)[1]) / 1e6

    def close(self):
        for _ in range(50):
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                return
            time.sleep(0.1)


class ProcCpu:
    """The daemon's processes and their waited-for children, in /proc."""

    def enter(self):
        pass

    def watch(self, pid):
        self.pid = pid

    def seconds(self):
        stats = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), \
                    open(f"/proc/{name}/stat", encoding="utf-8",
                         errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
                stats[int(name)] = (int(fields[1]),
                                    sum(map(int, fields[11:15])))
        ticks, todo = 0, [self.pid]
        while todo:
            pid = todo.pop()
            ticks += stats.get(pid, (0, 0))[1]
            todo += [p for p, (parent, _) in stats.items() if parent == pid]
        return ticks / os.sysconf("SC_CLK_TCK")

    def close(self):
        pass


def server_cpu():
    try:
        return CgroupCpu()
    except OSError:
        return ProcCpu()


# --- one configuration -------------------------------------------------------

class Config:
    """A way to compile: who asks, who serves.  Measures go to its lists."""

    def __init__(self, name, argv, env, daemon=None, cpu=None):
        self.name, self.argv, self.env = name, argv, env
        self.daemon, self.cpu = daemon, cpu
        self.wall, self.rate, self.client, self.server = [], [], [], []

    def job(self):
        """(wall seconds, CPU seconds) of one job; raises if it fails."""
        begin = time.perf_counter()
        pid = os.posix_spawn(self.argv[0], self.argv, self.env)
        _, status, usage = os.wait4(pid, 0)
        if status != 0:
            raise RuntimeError(f"{self.name}: {' '.join(self.argv)}: "
                               f"wait status {status}")
        return (time.perf_counter() - begin, usage.ru_utime + usage.ru_stime)

    def measure_one_by_one(self, jobs):
        before = self.cpu.seconds() if self.cpu else 0
        done = [self.job() for _ in range(jobs)]
        self.wall.append(1e3 * statistics.median(w for w, _ in done))
        self.client.append(1e3 * sum(c for _, c in done) / jobs)
        if self.cpu:
            # what the daemon does after its last reply belongs to it too
            time.sleep(0.05)
            self.server.append(1e3 * (self.cpu.seconds() - before) / jobs)

    def measure_together(self, jobs, width):
        left, lock, errors = [jobs], threading.Lock(), []

        def work():
            while not errors:
                with lock:
                    if left[0] == 0:
                        return
                    left[0] -= 1
                try:
                    self.job()
                except RuntimeError as e:
                    errors.append(e)

        threads = [threading.Thread(target=work) for _ in range(width)]
        begin = time.perf_counter()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            raise errors[0]
        self.rate.append(jobs / (time.perf_counter() - begin))

    def close(self):
        if self.daemon:
            self.daemon.stop()
        if self.cpu:
            self.cpu.close()

    def result(self):
        return {"wall_ms": self.wall, "jobs_per_s": self.rate,
                "client_cpu_ms": self.client, "server_cpu_ms": self.server}


# --- workloads ---------------------------------------------------------------

class Bench:
    def __init__(self, harness, options, scratch):
        self.harness, self.options, self.scratch = harness, options, scratch
        self.has_stock = harness.is_stock(harness.STOCK_CLIENT) and \
            harness.is_stock(harness.STOCK_DAEMON)
        _, is_strict = harness.missing_layers()
        self.our_args = [] if is_strict else ["--sandbox=reduced"]
        self.notes = [] if is_strict else [
            "a sandbox layer is missing here: ours runs --sandbox=reduced"]

    def build_fake(self):
        """The two halves of the fake compiler; their directories.  Ours only
        runs compilers that root owns where nobody else can write.  Clients
        send gcc under its full name too."""
        triple = subprocess.run(["gcc", "-dumpmachine"], check=True,
                                capture_output=True, text=True).stdout.strip()
        dirs = {}
        for half, flags in (("local", []), ("remote", ["-DREMOTE"])):
            dirs[half] = f"{self.harness.BUILD}/bench/fake-{half}"
            os.makedirs(dirs[half], mode=0o755, exist_ok=True)
            subprocess.run(["gcc", "-O2", "-static", *flags, "-o",
                            f"{dirs[half]}/gcc", f"{HERE}/fake.c"], check=True)
            shutil.copy(f"{dirs[half]}/gcc", f"{dirs[half]}/{triple}-gcc")
        self.fake_names = ["gcc", f"{triple}-gcc"]
        return dirs

    def client_env(self, name, hosts, path):
        directory = os.path.join(self.scratch, name.replace(" ", ""))
        os.makedirs(directory + "/state", exist_ok=True)
        return self.harness.clean_env(
            DISTCC_DIR=directory + "/state", DISTCC_HOSTS=hosts, PATH=path,
            DISTCC_FALLBACK=0, HOME=directory)

    def daemon(self, who, name, env, cpu):
        h = self.harness
        program = h.OUR_DAEMON if who == "ours" else h.STOCK_DAEMON
        args = list(self.our_args) if who == "ours" else []
        if who == "ours" and env.get("DISTCCD_PATH"):
            args += ["--toolchain", env["DISTCCD_PATH"]]
        daemon = h.Daemon(os.path.join(self.scratch, name.replace(" ", "")),
                          program, args, env=env, jobs=8, log_level="notice",
                          preexec=cpu.enter)
        cpu.watch(daemon.process.pid)
        return daemon

    def configs(self, workload, compiler, client_path, server_env):
        """local, and each pair of client and server."""
        tail = [compiler, "-O2", "-c", f"{self.scratch}/gcd.c", "-o",
                f"{self.scratch}/gcd.o"]
        local = shutil.which(compiler, path=server_env("local").get(
            "DISTCCD_PATH", os.environ["PATH"]))
        yield Config("local", [local, *tail[1:]], self.harness.clean_env())
        pairs = [("ours", "ours")]
        if self.has_stock:
            pairs = [("stock", "stock"), ("ours", "ours"), ("ours", "stock"),
                     ("stock", "ours")]
        for client, server in pairs:
            name = f"{workload}: {client} > {server}"
            cpu = server_cpu()
            daemon = self.daemon(server, name, server_env(server), cpu)
            program = self.harness.OUR_CLIENT if client == "ours" else \
                self.harness.STOCK_CLIENT
            env = self.client_env(name, f"{daemon.hostspec}/16", client_path)
            config = Config(f"{client} > {server}", [program, *tail], env,
                            daemon, cpu)
            try:
                self.verify_remote(config)
            except BaseException:
                config.close()
                raise
            yield config

    def verify_remote(self, config):
        """One job with a log: it must say that a server did it."""
        log = os.path.join(self.scratch, "verify.log")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(log)
        p = subprocess.run(config.argv, env={**config.env, "DISTCC_LOG": log,
                                             "DISTCC_VERBOSE": "1"},
                           check=False, capture_output=True, text=True)
        with open(log, encoding="utf-8", errors="replace") as f:
            text = f.read()
        if p.returncode != 0 or "completed ok" not in text:
            raise RuntimeError(f"{config.name}: the job was not done by the "
                               f"server: {p.stderr}\n{text[-2000:]}\n"
                               f"{config.daemon.log()[-2000:]}")

    def workload(self, name):
        if name == "fake":
            fake = self.build_fake()
            whitelist = f"{self.scratch}/cmdlist"
            with open(whitelist, "w", encoding="ascii") as f:
                f.writelines(f"{fake['remote']}/{name}\n"
                             for name in self.fake_names)

            def server_env(who):
                if who == "stock":
                    return self.harness.clean_env(
                        DISTCC_CMDLIST=whitelist,
                        PATH=f"{fake['remote']}:/usr/bin:/bin")
                return self.harness.clean_env(DISTCCD_PATH=fake["remote"])

            path = f"{fake['local']}:/usr/bin:/bin"
            return self.configs(name, "gcc", path, server_env)
        return self.configs(name, "gcc", "/usr/local/bin:/usr/bin:/bin",
                            lambda who: self.harness.clean_env())

    def measure(self, name, singles, together):
        configs = []
        try:
            configs.extend(self.workload(name))
            for r in range(self.options.rounds + 1):
                for config in configs:
                    config.measure_one_by_one(singles)
                    config.measure_together(together, self.options.width)
                if r == 0:      # the first round only warms up
                    for c in configs:
                        c.wall, c.rate, c.client, c.server = [], [], [], []
                print(f"{name}: round {r} of {self.options.rounds}",
                      file=sys.stderr)
            return {c.name: c.result() for c in configs}
        finally:
            for config in configs:
                config.close()

    def instructions(self, workload="fake"):
        """Client instructions for one job, by callgrind."""
        counts = {}
        if not shutil.which("valgrind"):
            self.notes.append("no valgrind: no instruction counts")
            return counts
        for config in self.workload(workload):
            try:
                if config.name not in ("stock > stock", "ours > ours"):
                    continue
                p = subprocess.run(
                    ["valgrind", "--tool=callgrind",
                     f"--callgrind-out-file={self.scratch}/cg", *config.argv],
                    env=config.env, capture_output=True, text=True,
                    check=False)
                m = re.search(r"Collected : (\d+)", p.stderr)
                counts[config.name] = int(m[1]) if m and p.returncode == 0 \
                    else None
            finally:
                config.close()
        return counts


# --- the table ---------------------------------------------------------------

def cell(values, digits=1):
    if not values:
        return "-"
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f}..{max(values):.{digits}f})")


def ratio(values, base):
    if not values or not base:
        return ""
    return f"{statistics.median(values) / statistics.median(base):.2f}"


def print_table(results, instructions):
    print(f"{'workload':9}{'client > server':17}{'-j1 wall ms':>20}{'x':>6}"
          f"{'-j8 jobs/s':>20}{'x':>6}{'client CPU ms':>22}{'x':>6}"
          f"{'server CPU ms':>22}{'x':>6}")
    for workload, configs in results.items():
        base = configs.get("stock > stock", {})
        for name, r in configs.items():
            line = f"{workload:9}{name:17}"
            for key, width, digits in (("wall_ms", 20, 1), ("jobs_per_s", 20, 0),
                                       ("client_cpu_ms", 22, 2),
                                       ("server_cpu_ms", 22, 2)):
                line += f"{cell(r[key], digits):>{width}}"
                line += f"{ratio(r[key], base.get(key)):>6}"
            print(line)
    print("median (least..most) of the rounds; x: against stock > stock")
    for name, count in instructions.items():
        print(f"client instructions, fake, {name}: "
              f"{f'{count:,}' if count else 'not measured'}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=40,
                        help="jobs a round at -j1; twice as many at -j8")
    parser.add_argument("workloads", nargs="*", default=["fake", "gcc"])
    options = parser.parse_args()
    os.environ["DISTCC_BUILD"] = os.path.abspath(options.build)
    import harness  # pylint: disable=import-outside-toplevel
    scratch = tempfile.mkdtemp(prefix="distcc-bench-")
    os.chmod(scratch, 0o755)
    with open(f"{scratch}/gcd.c", "w", encoding="ascii") as f:
        f.write(FUNCTION)
    try:
        bench = Bench(harness, options, scratch)
        if not bench.has_stock:
            bench.notes.append("no stock distcc here: no ratios")
        results = {}
        for workload in options.workloads:
            if workload == "fake" and os.geteuid() != 0:
                bench.notes.append("fake needs root: a daemon runs only "
                                   "compilers that root owns")
                continue
            jobs = options.jobs if workload == "fake" else options.jobs // 2
            results[workload] = bench.measure(workload, jobs, 2 * jobs)
        counts = bench.instructions() if "fake" in results else {}
        print_table(results, counts)
        for note in bench.notes:
            print(f"note: {note}")
        out = f"{harness.BUILD}/bench/bench.json"
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(out, "w", encoding="ascii") as f:
            json.dump({"when": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                             time.gmtime()),
                       "kernel": platform.release(), "cpus": os.cpu_count(),
                       "rounds": options.rounds, "notes": bench.notes,
                       "client_instructions": counts, "results": results}, f,
                      indent=1)
        print(f"raw figures: {out}")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
