# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is slow, silent or greedy holds up nobody else.

The bounds here are loose, for a busy machine; tests/bench has the exact ones.
"""
import contextlib
import socket
import statistics
import threading
import time

import pytest
import wirekit
from arena import (KIT_NAME, MB, NORMAL_S, SOURCE, fresh_source, read_text,
                   running_program, tree, wait_until)

A = ["gcc", "-c", "a.c", "-o", "a.o"]
GOOD = wirekit.plain_request(A, SOURCE)


def typical(server, n=9):
    """the median of n ordinary compiles from other addresses, in seconds"""
    times = [server.normal() for _ in range(n)]
    assert None not in times, times
    return statistics.median(times)


def workers(server):
    return sum("distccd-worker" in read_text(f"/proc/{pid}/cmdline")
               for pid in tree(server.pid))


class Dribblers(threading.Thread):
    """One byte a second on each connection."""

    def __init__(self, connections, data, period=1.0):
        super().__init__(daemon=True)
        self.connections, self.data = connections, data
        self.period = period
        self.stopped = threading.Event()

    def run(self):
        for i in range(len(self.data)):
            for c in self.connections:
                c.send(self.data[i:i + 1])
            if self.stopped.wait(self.period):
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stopped.set()
        self.join()


def connect_many(server, stack, n, source):
    """as many as the server takes; those that it closes at once may fail"""
    made = []
    for _ in range(n):
        with contextlib.suppress(OSError):
            made.append(stack.enter_context(server.open(source)))
    return made


@pytest.mark.parametrize("id,first,rest", [
    ("W19-one_header_byte", GOOD[:1], b""),
    ("W20-a_part_of_the_body", GOOD[:-len(SOURCE) - 12] + b"DOTI00100000i",
     b""),
    ("W45-one_byte_a_second", b"", GOOD),
    ("one_byte_a_second_in_the_body",
     GOOD[:-len(SOURCE) - 12] + b"DOTI00100000", b"x" * 100),
    ("one_byte_a_second_in_argv", GOOD[:50], GOOD[50:]),
], ids=lambda v: v if isinstance(v, str) else "")
def test_eight_slow_senders(server, id, first, rest):
    source = fresh_source()
    base = typical(server)
    with contextlib.ExitStack() as stack:
        slow = connect_many(server, stack, 8, source)
        for c in slow:
            c.send(first)
        stack.enter_context(Dribblers(slow, rest))
        time.sleep(0.5)
        assert typical(server) < max(3 * base, base + 0.2)


def test_slow_senders_control(stock):
    with contextlib.ExitStack() as stack:
        for c in connect_many(stock, stack, stock.jobs + 4, "127.0.0.4"):
            c.send(b"D")
        time.sleep(0.3)
        assert stock.normal("127.0.0.3", timeout=2) is None


def test_w21_1500_silent_connections(make_server):
    """and a byte-a-second sender on every slot, all from one address"""
    server = make_server(jobs=4)
    base = typical(server)
    source = fresh_source()
    with contextlib.ExitStack() as stack:
        silent = connect_many(server, stack, 1500, source)
        slow = connect_many(server, stack, server.jobs, source)
        stack.enter_context(Dribblers(slow, GOOD))
        assert len(silent) > 200
        time.sleep(0.5)
        assert typical(server, 15) < max(3 * base, base + 0.2)
    assert server.wait_normal()


def test_silent_connections_cost_no_process(make_server):
    server = make_server("--header-timeout", "5000", jobs=2)
    assert server.normal() is not None
    with contextlib.ExitStack() as stack:
        silent = connect_many(server, stack, 40, fresh_source())
        with server.open() as c:
            c.send(b"D")
            # the control: this one has said something
            assert wait_until(lambda: workers(server) == 1, 10)
            time.sleep(1.5)     # past the kernel's own waiting
            assert workers(server) <= 1
        silent[0].send(GOOD)
        assert silent[0].receive(10).status == 0
        for c in silent[1:]:
            assert c.is_closed(10), "a silent one is never dropped"
    assert "it sent nothing" in server.log()


def test_silent_connections_of_many_addresses(make_server):
    """no address has too many, all together they fill the server"""
    server = make_server("--max-clients", "200", "--header-timeout", "2000",
                         jobs=2)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            connect_many(server, stack, 1, fresh_source())
        assert server.wait_normal(), "the silent ones are never dropped"


def test_header_deadline(make_server):
    server = make_server("--header-timeout", "1000", jobs=2)
    for first in (b"", b"D", GOOD[:40]):
        with server.open() as c:
            c.send(first)
            assert c.is_closed(4), first
    with server.open() as c, Dribblers([c], GOOD, 0.2):
        assert c.is_closed(5), "a dribbler outlives the deadline"


def test_body_rate(make_server):
    """a body has a least rate: a byte a second is too slow"""
    server = make_server("--idle-timeout", "2000", jobs=2)
    head = GOOD[:-len(SOURCE) - 12] + b"DOTI00010000"
    with server.open() as c:
        c.send(head + b"x")
        assert c.is_closed(6), "a silent body"


def test_slow_but_honest_client_is_served(server):
    """a second for the command line, another for the body: fine"""
    with server.open() as c:
        for at in range(0, len(GOOD), 20):
            c.send(GOOD[at:at + 20])
            time.sleep(0.15)
        assert c.receive(10).ok


@pytest.mark.parametrize("protocol", [1, 2])
def test_w22_slow_readers(make_server, protocol):
    """8 objects of 40 MB, nothing read: no slot is held"""
    server = make_server("--idle-timeout", "3000", jobs=4)
    base = typical(server)
    source = fresh_source()
    request = wirekit.request([KIT_NAME, *A[1:]], "out full 40\n", protocol)
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(server.open(source,
                                                   receive_buffer=4096))
                   for _ in range(8)]
        for c in readers:
            c.send(request)
        assert wait_until(lambda: not running_program(server.world.kit), 20)
        time.sleep(0.3)
        assert typical(server) < max(3 * base, base + 0.5)
        # and one day they are dropped
        assert wait_until(lambda: workers(server) <= 1, 15)


def test_w22_control(stock):
    source = "int a[10000000] = { 1 };\n"
    with contextlib.ExitStack() as stack:
        for _ in range(stock.jobs + 4):
            c = stack.enter_context(stock.open("127.0.0.4",
                                               receive_buffer=4096))
            c.send(wirekit.request(A, source))
        time.sleep(3)
        assert stock.normal("127.0.0.3", timeout=2) is None


def test_fairness(make_server):
    """200 jobs of one client, then 5 of another, which are soon done"""
    server = make_server(jobs=4)
    greedy, modest = fresh_source(), fresh_source()
    with contextlib.ExitStack() as stack:
        jobs = []
        for _ in range(200):
            with contextlib.suppress(OSError):
                jobs.append(stack.enter_context(
                    server.start_job("spin 1 1", greedy)))
        assert len(jobs) >= 100
        time.sleep(1)
        begin = time.monotonic()
        for _ in range(5):
            seconds = server.normal(modest)
            assert seconds is not None and seconds < NORMAL_S / 3
        assert time.monotonic() - begin < NORMAL_S
        for job in jobs:
            job.reset()
    assert wait_until(server.is_idle, 10)


def test_reset_frees_the_slot(make_server):
    """one slot, its client gone: the next one has it at once"""
    server = make_server(jobs=1)
    for how in ("reset", "close"):
        c = server.start_job("hang 30")
        assert wait_until(server.job_pids, 5)
        getattr(c, how)()
        begin = time.monotonic()
        assert server.normal() is not None
        assert time.monotonic() - begin < 5, how


def test_waiting_client_leaves_the_queue(make_server):
    server = make_server(jobs=1)
    first = server.start_job("sleep 2")
    time.sleep(0.3)
    waiting = [server.start_job("hang 20") for _ in range(20)]
    time.sleep(0.3)
    for c in waiting:
        c.reset()
    assert "KIT done" in first.receive(10).text
    assert server.normal() is not None
    assert wait_until(server.is_idle, 5)
    first.close()


def test_max_per_source(make_server):
    server = make_server("--max-per-source", "5", jobs=2)
    assert server.normal() is not None
    source = fresh_source()
    with contextlib.ExitStack() as stack:
        made = connect_many(server, stack, 8, source)
        for c in made:
            c.send(b"D")        # the kernel holds back who says nothing
        time.sleep(0.5)
        assert sum(not c.is_closed(0.1) for c in made) == 5
        assert server.normal() is not None
    assert wait_until(lambda: server.normal(source) is not None, 5)


def test_max_clients(make_server):
    server = make_server("--max-clients", "10", jobs=2)
    assert server.normal() is not None
    with contextlib.ExitStack() as stack:
        made = [c for _ in range(16)
                for c in connect_many(server, stack, 1, fresh_source())]
        for c in made:
            c.send(b"D")
        time.sleep(0.5)
        assert sum(not c.is_closed(0.1) for c in made) <= 10
    assert server.wait_normal()


def test_penalties_grow_and_spare_others(make_server):
    """an address that sends nonsense is refused for a while, others are not"""
    server = make_server(jobs=2)
    source = fresh_source()
    refused = False
    for _ in range(60):
        reply = wirekit.exchange(server.port, b"GET / HTTP/1.0\r\n\r\n",
                                 source=source, timeout=5)
        refused = server.normal(source) is None
        if refused:
            break
    assert refused, "60 misdeeds and still served"
    assert reply.raw == b""
    assert server.normal() is not None
    assert not server.log().count("worker_crashed")


def test_an_honest_client_gets_no_penalty(make_server):
    """compile errors are no misdeed"""
    server = make_server(jobs=2)
    source = fresh_source()
    for _ in range(40):
        reply = server.send(wirekit.request(A, "this is no C\n"),
                            source=source)
        assert reply.complete and reply.status == 256, reply
    assert server.normal(source) is not None


def test_urgent_data_and_empty_connections(server):
    for _ in range(50):
        with contextlib.suppress(OSError), server.open() as c:
            c.sock.send(b"x", socket.MSG_OOB)
    assert server.wait_normal()


def test_large_request_over_the_cap(make_server):
    """--max-request, as sent and as expanded"""
    server = make_server("--max-request", "4M", jobs=2)
    for protocol in (1, 2, 3):
        reply = server.send(wirekit.request(A, "/*" + "x" * (5 * MB) + "*/",
                                            protocol), half_close=True)
        assert reply.status != 0, protocol
    assert server.normal() is not None


def test_two_daemons_on_one_host(make_server):
    """what the jobs of one use up is not missing in the other"""
    first, second = make_server(jobs=4), make_server(jobs=4)
    assert first.normal() is not None and second.normal() is not None
    jobs = [second.start_job("forks 40 8 ; sleep 8") for _ in range(4)]
    try:
        assert wait_until(lambda: len(second.job_pids()) > 40, 5)
        for _ in range(8):
            assert first.normal() is not None
    finally:
        for job in jobs:
            job.reset()
        wait_until(second.is_idle, 5)
