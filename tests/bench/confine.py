#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""confine - what the confinement costs, and whether it holds under load.

memory   an idle daemon with its pool: RSS and PSS, summed over its processes
cost     processor time and latency of a job that costs nothing (fake.c), with
         the pool, without it, in the lesser jail, and stock's server beside
         them; the client is a few lines here, so it hides nothing
silent   a job's time from another address while 1500 connections are silent and
         one sends a byte a second on every slot
bomb     peak memory while a compressed request expands to 400 MB
leak     what is left after many jobs

Run it as root. Configurations are measured in turn, ROUNDS times over; compare
figures of one run only.
"""
import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, ".."), os.path.join(HERE, "../escape")]

A = ["gcc", "-c", "a.c", "-o", "a.o"]


def build_fake(directory):
    """the fake compiler, as gcc"""
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o755)
    subprocess.run(["cc", "-O2", "-static", "-DREMOTE", "-o",
                    f"{directory}/gcc", f"{HERE}/fake.c"], check=True)
    return directory


class Place:
    """One daemon that serves the fake compiler, and its processor time."""

    def __init__(self, name, world, fake, args=(), stock=False):
        import bench
        import harness
        import wirekit
        self.name, self.wirekit = name, wirekit
        self.cpu = bench.server_cpu()
        env = harness.clean_env(DISTCCD_PATH=fake)
        if stock:
            cmdlist = os.path.join(world.path, "fake-list")
            with open(cmdlist, "w", encoding="ascii") as f:
                f.write(f"{fake}/gcc\n")
            env = harness.clean_env(DISTCC_CMDLIST=cmdlist,
                                    PATH=f"{fake}:/usr/bin:/bin")
        self.daemon = harness.Daemon(
            world.log_dir, harness.STOCK_DAEMON if stock else
            harness.OUR_DAEMON, ["--allow", "127.0.0.0/8", *args], env=env,
            log_level="warning", preexec=self.cpu.enter)
        self.cpu.watch(self.daemon.process.pid)
        self.data = wirekit.plain_request(A, "int x;\n", 1)
        self.wall, self.used = [], []

    def job(self):
        begin = time.perf_counter()
        reply = self.wirekit.exchange(self.daemon.port, self.data)
        assert reply.ok and reply.object.startswith(b"\x7fELF"), reply
        return time.perf_counter() - begin

    def measure(self, jobs):
        before = self.cpu.seconds()
        times = [self.job() for _ in range(jobs)]
        time.sleep(0.1)     # what is done after the reply belongs to it too
        self.used.append(1e3 * (self.cpu.seconds() - before) / jobs)
        # a pause between two jobs: the pool is full again
        paused = []
        for _ in range(jobs // 4):
            time.sleep(0.02)
            paused.append(self.job())
        self.wall.append(1e3 * statistics.median(paused))
        return times

    def close(self):
        self.daemon.stop()
        self.cpu.close()


def show(label, *figures):
    print(f"{label:42}" + "".join(f"{f:>16}" for f in figures), flush=True)


def memory(world, options):
    import arena
    server = arena.Server(world, jobs=4)
    assert server.normal() is not None
    time.sleep(1)
    rss = pss = 0
    pids = arena.tree(server.pid)
    for pid in pids:
        text = arena.read_text(f"/proc/{pid}/smaps_rollup")
        rss += int(re.search(r"^Rss:\s+(\d+)", text, re.M)[1])
        pss += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    show("idle, 4 slots, pool of 4", f"{len(pids)} processes",
         f"RSS {rss / 1024:.1f} MB", f"PSS {pss / 1024:.1f} MB")
    server.stop()


def cost(world, options):
    import harness
    fake = build_fake(os.path.join(world.path, "fake"))
    places = [Place("ours", world, fake),
              Place("ours, no pool", world, fake, ["--pool", "0"]),
              Place("ours, reduced", world, fake, ["--sandbox=reduced"])]
    if harness.is_stock(harness.STOCK_DAEMON):
        places.append(Place("stock", world, fake, stock=True))
    for p in places:
        p.job()
    for _ in range(options.rounds):
        for p in places:
            p.measure(options.jobs)
    base = places[-1]
    for p in places:
        used, wall = statistics.median(p.used), statistics.median(p.wall)
        show(f"a job, {p.name}", f"{used:.2f} ms CPU", f"{wall:.2f} ms wall",
             f"{used - statistics.median(base.used):+.2f} CPU",
             f"{wall - statistics.median(base.wall):+.2f} wall")
        p.close()
    print(f"    (differences to {base.name}; CPU from {min(base.used):.2f} to "
          f"{max(base.used):.2f} there)")


def silent(world, options):
    import arena
    import wirekit
    from test_y_availability import Dribblers, connect_many
    server = arena.Server(world, jobs=4)
    good = wirekit.plain_request(A, arena.SOURCE)
    quiet, loud = [], []
    for _ in range(options.rounds):
        quiet += [server.normal() for _ in range(15)]
        with contextlib.ExitStack() as stack:
            source = arena.fresh_source()
            n = len(connect_many(server, stack, 1500, source))
            slow = connect_many(server, stack, server.jobs, source)
            stack.enter_context(Dribblers(slow, good))
            # those that send nothing are only accepted after a second
            time.sleep(2.5)
            loud += [server.normal() for _ in range(15)]
    a, b = statistics.median(quiet), statistics.median(loud)
    show(f"{n} silent, {server.jobs} slow", f"{1e3 * a:.1f} ms before",
         f"{1e3 * b:.1f} ms during", f"{b / a:.2f} times")
    server.stop()


def bomb(world, options):
    import arena
    import wirekit
    server = arena.Server(world, jobs=4)
    packed = wirekit.lzo().pack(b" " * (400 * arena.MB))
    with arena.Memory(server.pid) as m:
        reply = server.send(b"DIST00000002" + wirekit.argv_tokens(A) +
                            wirekit.string("DOTI", packed))
    assert reply.status != 0, reply
    show("400 MB out of 2 MB", f"peak {(m.peak - m.first) / arena.MB:.0f} MB")
    server.stop()


def leak(world, options):
    import arena
    from test_q_resources import state_of
    server = arena.Server(world, jobs=4)
    for _ in range(20):
        assert server.normal() is not None
    time.sleep(0.5)
    before = state_of(server)
    for i in range(options.leak):
        assert server.normal(f"127.0.{i % 200}.9") is not None
    time.sleep(1)
    after = state_of(server)
    for key in before:
        show(f"{options.leak} jobs: {key}", before[key], after[key])
    server.stop()


SECTIONS = {f.__name__: f for f in (memory, cost, silent, bomb, leak)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", default=list(SECTIONS))
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--leak", type=int, default=10000)
    options = parser.parse_args()
    os.environ["DISTCC_BUILD"] = os.path.abspath(options.build)
    import arena
    world = arena.World()
    try:
        for name in options.sections:
            SECTIONS[name](world, options)
            print(f"    load average {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        world.close()


if __name__ == "__main__":
    main()
