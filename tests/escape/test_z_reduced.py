# SPDX-License-Identifier: GPL-2.0-or-later
"""What --sandbox=reduced keeps: every listed attack that it can be sent.

The rows are those of the full jail, and so are their controls.  (Pump mode is
refused there.)  What it does not keep is in SECURITY.md.
"""
import time

import arena
import pytest
import test_a_execution
import test_f_writes
import test_r_reads
import test_s_system
import wirekit
from arena import (SOURCE, check_holds, fresh_source, snapshot,
                   wait_until)

ROWS = [row for module in (test_a_execution, test_f_writes, test_r_reads,
                           test_s_system)
        for row in module.ROWS if row.protocol != 3]


@pytest.fixture(scope="module")
def reduced(world):
    server = arena.Server(world, args=["--sandbox=reduced",
                                       "--job-lifetime", "3"])
    yield server
    server.stop()


@pytest.fixture
def server(reduced):
    reduced.revive()
    return reduced


def test_rows_are_many():
    assert len(ROWS) > 100


def test_holds(row, attempt, server):
    check_holds(row, attempt, server)


@pytest.mark.parametrize("protocol", [1, 2])
def test_ordinary_compile(server, protocol):
    reply = server.send(wirekit.request(
        ["gcc", "-O2", "-c", "a.c", "-o", "a.o"], SOURCE, protocol))
    assert reply.ok and reply.object.startswith(b"\x7fELF"), reply


def test_pump_mode_is_refused_with_a_reason(server):
    reply = server.send(wirekit.request(
        ["gcc", "-c", "a.c", "-o", "a.o"], SOURCE, 3))
    assert reply.status != 0 and b"pump mode" in reply.serr, reply


# without a PID namespace nothing ends by itself

@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("steps", ["hang 30", "bomb 30", "daemon 30 ; hang 30",
                                   "child daemon 30 ; hang 30"])
def test_job_ends_with_its_client(server, how, steps):
    c = server.start_job(steps)
    assert wait_until(server.job_pids, 5)
    time.sleep(0.2)
    getattr(c, how)()
    assert wait_until(server.is_idle, 6), "the job goes on"
    assert server.wait_normal()


@pytest.mark.parametrize("steps", ["hang 40", "spin 4 40", "bomb 40"])
def test_lifetime(server, steps):
    reply = server.job(steps, timeout=10)
    assert reply.ended == "eof" and b"job-lifetime" in reply.serr, reply
    assert wait_until(server.is_idle, 2)


@pytest.mark.parametrize("steps", ["forks 20 30", "daemon 30",
                                   "child daemon 30", "forks 5 30 ; exit 1"])
def test_nothing_outlives_the_job(server, steps):
    reply = server.job(steps)
    assert reply.ended == "eof" and reply.status is not None, reply
    assert wait_until(server.is_idle, 2)


@pytest.mark.parametrize("steps", ["inodes 300 0", "disk 20 0",
                                   "inodes 300 20", "deep 100"])
def test_directory_goes_with_the_job(server, steps):
    import glob
    before = snapshot(server.scratch), glob.glob("/tmp/distccd-*/*/w*")
    job = server.start_job(steps)
    time.sleep(0.5)
    job.reset()
    assert wait_until(server.is_idle, 4)
    assert wait_until(lambda: (snapshot(server.scratch),
                               glob.glob("/tmp/distccd-*/*/w*")) == before, 4)


def test_one_job_does_not_end_another(server):
    """one's end, with all that it left, is not another's"""
    with server.start_job("sleep 2 ; say SURVIVED", fresh_source()) as other:
        assert wait_until(server.job_pids, 5)
        for _ in range(3):
            c = server.start_job("forks 5 30 ; hang 30", fresh_source())
            time.sleep(0.2)
            c.reset()
        assert "SURVIVED" in other.receive(10).text
