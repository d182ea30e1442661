#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""auth.py [RUNS] - what authentication and sealing cost, in a private realm.

Small jobs in turn, in clear, with the plain handshake, and sealed: latency and
CPU (client, daemon and all their processes).  Then a large one, for megabytes
a second, beside what GSSAPI's wrap alone gives in a loop.
"""
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.join(os.path.dirname(__file__), "..", d)
                for d in (".", "integration")]
import authlib  # noqa: E402
import gss  # noqa: E402
import harness  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def daemon_cpu(pid):
    """Milliseconds of a daemon and of its children that it waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return sum(int(x) for x in fields[11:15]) * 1000 / TICK


def own_children_cpu():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (r.ru_utime + r.ru_stime) * 1000


def once(client, daemon):
    began = time.monotonic()
    p = client.run("gcc", "-c", "a.c")
    if p.returncode != 0:
        raise RuntimeError(client.log()[-1000:] + daemon.log()[-1000:])
    return (time.monotonic() - began) * 1000


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    realm = authlib.Realm()
    cases = {"clear": ([], ""), "auth": (["--auth"], ",auth=localhost"),
             "seal": (["--auth=seal"], ",seal=localhost")}
    stock = harness.is_stock(harness.STOCK_DAEMON)
    daemons, clients, wall, cpu = {}, {}, {}, {}
    try:
        with tempfile.TemporaryDirectory() as top:
            os.chmod(top, 0o755)
            for name, (args, option) in cases.items():
                d = harness.Daemon(f"{top}/{name}d", harness.OUR_DAEMON, args,
                                   env=realm.server_env())
                daemons[name] = d
                clients[name] = harness.Client(
                    f"{top}/{name}", harness.OUR_CLIENT, d.hostspec + option,
                    **realm.alice)
            if stock:
                for name, args, option in (("stock clear", [], ""),
                                           ("stock auth", ["--auth"],
                                            ",auth")):
                    d = harness.Daemon(
                        f"{top}/{name}d", harness.STOCK_DAEMON, args,
                        env=realm.server_env(
                            DISTCCD_PRINCIPAL="distcc@localhost"))
                    daemons[name] = d
                    clients[name] = harness.Client(
                        f"{top}/{name}", harness.STOCK_CLIENT,
                        d.hostspec + option, DISTCC_PRINCIPAL="distcc",
                        **realm.alice)
            for name, c in clients.items():
                with open(f"{c.directory}/a.c", "w", encoding="ascii") as f:
                    f.write("int x;\n")
                once(c, daemons[name])
                wall[name], cpu[name] = [], [0.0, 0.0]
            for _ in range(runs):
                order = list(clients)
                random.shuffle(order)
                for name in order:
                    pid = daemons[name].process.pid
                    before = own_children_cpu(), daemon_cpu(pid)
                    wall[name].append(once(clients[name],
                                           daemons[name]))
                    time.sleep(0.03)    # the daemon reaps its worker
                    cpu[name][0] += own_children_cpu() - before[0]
                    cpu[name][1] += daemon_cpu(pid) - before[1]
            print(f"{runs} small jobs each, milliseconds; load average "
                  f"{os.getloadavg()[0]:.1f}")
            print("                latency    above |  client  server    "
                  "sum    above")
            for name in clients:
                base = "stock clear" if name.startswith("stock") else "clear"
                m = statistics.median(wall[name])
                mine = [c / runs for c in cpu[name]]
                print(f"  {name:12} {m:8.2f} "
                      f"{m - statistics.median(wall[base]):8.2f} | "
                      f"{mine[0]:7.2f} {mine[1]:7.2f} {sum(mine):7.2f} "
                      f"{sum(mine) - sum(cpu[base]) / runs:7.2f}")
            large(clients)
            wrapping(realm)
    finally:
        for d in daemons.values():
            d.stop()
        realm.stop()


def large(clients):
    """40 MB of preprocessed source that compiles fast."""
    line = "/* " + "x" * 1000 + " */\n"
    for name in ("clear", "auth", "seal"):
        c = clients[name]
        with open(f"{c.directory}/b.i", "w", encoding="ascii") as f:
            f.write("int x;\n" + line * 40000)
        size = os.path.getsize(f"{c.directory}/b.i") / 1e6
        times = []
        for _ in range(5):
            began = time.monotonic()
            if c.run("gcc", "-fpreprocessed", "-c", "b.i").returncode != 0:
                raise RuntimeError(c.log())
            times.append(time.monotonic() - began)
        best = min(times)
        if name == "clear":
            clear = best
        extra = best - clear
        print(f"  {name:6} {size:.0f} MB source: {best:.3f} s" +
              (f", {size / extra:.0f} MB/s of sealing and unsealing" if
               name == "seal" and extra > 0 else ""))


def wrapping(realm):
    """Wrap and unwrap alone, in one process, records of our size."""
    if gss.LIB is None:
        print("  gss_wrap alone: no MIT Kerberos library here")
        return
    one, other = gss.Initiator(realm.alice), gss.Acceptor(realm.server_env())
    answer, _ = other.step(one.step()[0])
    one.step(answer)
    record, count = bytes(64950), 400
    began = time.monotonic()
    sealed = [one.wrap(record) for _ in range(count)]
    middle = time.monotonic()
    for data in sealed:
        other.unwrap(data)
    end = time.monotonic()
    size = len(record) * count / 1e6
    print(f"  gss_wrap alone: {size / (middle - began):.0f} MB/s, gss_unwrap "
          f"{size / (end - middle):.0f} MB/s, one after the other "
          f"{size / (end - began):.0f} MB/s")


if __name__ == "__main__":
    main()
