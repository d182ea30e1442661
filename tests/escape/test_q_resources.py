# SPDX-License-Identifier: GPL-2.0-or-later
"""Q: what one job or one client can use up ends with that job.

The kit's own steps without a server are the controls: each test with a
"_control" beside it asserts that the step does take what it says.
"""
import contextlib
import os
import re
import subprocess
import time

import pytest
import wirekit
from arena import (IS_ROOT, KIT_NAME, MB, SOURCE, Memory, fresh_source,
                   meminfo, read_text, running_program, snapshot, tree,
                   wait_until)

A = ["-c", "a.c", "-o", "a.o"]
REPLY_MAX = 128 * MB
LIFETIME_S = 3


@pytest.fixture(scope="module")
def short(world):
    """a server that lets a job live for a few seconds only"""
    import arena
    server = arena.Server(world, args=["--job-lifetime", str(LIFETIME_S)])
    yield server
    server.stop()


def kit_alone(world, steps, cwd, timeout=60):
    p = subprocess.run([world.kit, "--steps", steps], cwd=cwd,
                       capture_output=True, timeout=timeout, check=False)
    return p.stderr.decode("utf-8", "replace")


def number(word, text):
    found = re.findall(rf"^{word} (\d+)", text, re.M)
    return int(found[-1]) if found else None


# --- the reply ---------------------------------------------------------------

@pytest.mark.parametrize("fd", [1, 2])
def test_q07_flood_of_output(server, fd):
    """180 MB of diagnostics: cut"""
    reply = server.job(f"flood {fd} 180 ; exit 1", timeout=30)
    assert len(reply.serr) + len(reply.sout) < 16 * MB, len(reply.raw)
    assert reply.status != 0 and reply.wrong is None
    assert server.wait_normal()


def test_q07_by_wrapper(server):
    reply = server.send(wirekit.request(
        ["gcc", "-wrapper", "sh,-c,head -c 180000000 /dev/zero | tr '\\0' A "
         ">&2; exit 1", *A], SOURCE))
    assert len(reply.raw) < MB and reply.status != 0, reply


def test_q07_control(world, tmp_path):
    assert len(kit_alone(world, "flood 2 180", tmp_path)) >= 180 * MB


def test_q08_flood_of_warnings(short):
    source = "\n".join(["#warning w"] * 100000)
    reply = short.send(wirekit.request(["gcc", "-x", "c", *A], source),
                       timeout=20)
    assert len(reply.raw) < REPLY_MAX and reply.ended != "timeout", reply
    assert reply.wrong is None
    assert short.wait_normal()


@pytest.mark.parametrize("steps", [
    "out sparse 3000000000", "out sparse 200000000", "out full 2048",
    "out full 200"])
def test_q46_large_object(server, steps):
    """the object's size has a cap; 2 GB is not sent"""
    with Memory(server.pid) as memory:
        reply = server.job(steps, timeout=30)
        assert server.wait_normal()
    assert reply.ended == "eof" and reply.status != 0, reply
    assert len(reply.raw) < MB and not reply.object
    assert reply.serr, "the client is not told why"
    assert memory.peak - memory.first < 1024 * MB, memory.peak
    assert wait_until(lambda: memory.sample() < memory.first + 64 * MB, 2)


def test_object_of_80_mb_is_sent(server):
    """under the cap it is no attack"""
    reply = server.job("out full 80", timeout=30)
    assert reply.ok and len(reply.object) == 80 * MB, reply


# --- outputs in disguise -----------------------------------------------------

@pytest.mark.parametrize("what", [
    "Q49-link /dev/zero", "link /dev/null", "fifo", "socket", "directory",
    "device", "none", "link ./a.o", "link a.c"])
def test_output_in_disguise(server, what):
    """regular files only; the server does not block"""
    steps = "out " + what.split("-", 1)[-1] if "Q49" in what else "out " + what
    source = fresh_source()
    with contextlib.ExitStack() as stack:
        jobs = [stack.enter_context(server.start_job(steps, source))
                for _ in range(6)]
        assert server.normal() is not None
        for job in jobs:
            reply = job.receive(10)
            assert reply.ended == "eof", reply
            # what it could not disguise, the kit leaves plain
            assert reply.object in (b"", b"kit object\n"), reply
            assert reply.wrong is None, reply


@pytest.mark.parametrize("target", ["/dev/zero", "../dev/zero", "a.o", "."])
def test_uploaded_link_as_output(server, target):
    """the job cannot make links, but the client can send one"""
    data = wirekit.pump_request(
        [KIT_NAME, *A], [("/w/a.c", "out rename l\n"),
                         ("/w/l", wirekit.Link(target))])
    reply = server.send(data)
    assert reply.ended == "eof" and len(reply.object) < 100, reply
    assert reply.wrong is None and server.normal() is not None


@pytest.mark.parametrize("what", ["Q62-fifo", "link /dev/zero", "directory",
                                  "sparse 3000000000"])
def test_dependency_file_in_disguise(server, what):
    steps = "deps " + what.replace("Q62-", "") + "\n"
    data = wirekit.request([KIT_NAME, "-MD", "-MF", "a.d", *A], steps, 3)
    source = fresh_source()
    with contextlib.ExitStack() as stack:
        jobs = [stack.enter_context(server.open(source)) for _ in range(6)]
        for job in jobs:
            job.send(data)
        assert server.normal() is not None
        for job in jobs:
            reply = job.receive(10)
            assert reply.ended == "eof" and not reply.deps, reply
            assert reply.wrong is None or reply.status != 0, reply


def test_q51_object_shrinks_while_it_is_sent(server):
    for _ in range(5):
        reply = server.job("out shrink 24")
        assert reply.ended == "eof" and reply.wrong is None, reply
        assert len(reply.object) in (0, 16, 24 * MB), len(reply.object)
    assert wait_until(server.is_idle, 3)
    assert server.wait_normal()


# --- memory, scratch, inodes -------------------------------------------------

def test_memory(server):
    """a 10 GB allocation: that job alone fails, and it is soon over"""
    with Memory(server.pid) as memory:
        job = server.start_job("memory 10240 5")
        assert server.normal() is not None
        reply = job.receive(40)
        job.close()
    got = number("MEMORY", reply.text)
    assert got is None or got < 4096, reply
    assert wait_until(lambda: memory.sample() < memory.first + 64 * MB, 2)
    assert server.wait_normal()


def test_memory_of_many_processes(server):
    """the limit is the job's, not each process's"""
    if not has_layer(server, "cgroup"):
        pytest.skip("no cgroup here: the address space of each process is "
                    "limited, not their sum")
    with Memory(server.pid) as memory:
        reply = server.job("hoard 6 1024 3", timeout=30)
    assert memory.peak - memory.first < 3 * 1024 * MB, (memory.peak, reply)
    assert server.wait_normal()


def has_layer(server, name):
    import harness
    text, _ = harness.missing_layers()
    return re.search(rf"^{name}\s+ok", text, re.M) is not None


def test_memory_control(world, tmp_path):
    assert number("MEMORY", kit_alone(world, "memory 512 0", tmp_path)) == 512


def test_q41_disk(server):
    """scratch is the job's own and has a limit"""
    with Memory(server.pid) as memory:
        job = server.start_job("disk 1200 25")
        begin = time.monotonic()
        wait_until(lambda: memory.sample() > memory.first + 400 * MB or
                   time.monotonic() - begin > 4, 6)
        assert server.normal() is not None
        job.reset()
    assert memory.peak - memory.first < 1024 * MB, memory.peak
    assert wait_until(lambda: memory.sample() < memory.first + 64 * MB, 3)


def test_q41_message(server):
    # its own messages lie in the same place, so they may be lost
    reply = server.job("disk 1200 0 ; exit 1", timeout=20)
    assert reply.status != 0 and (number("DISK", reply.text) or 0) < 1100
    assert b"scratch" in reply.serr, "the client is not told why"


@pytest.mark.parametrize("where", ["/tmp", "/dev", "/", "/usr", "/.lib"])
def test_disk_elsewhere(server, where):
    """no second file system to fill"""
    reply = server.job(f"disk 1200 0 {where}", timeout=20)
    got = number("DISK", reply.text)
    assert got is None or got < 600, reply


def test_q41_control(world, tmp_path):
    assert number("DISK", kit_alone(world, "disk 700 0", tmp_path)) == 700


def test_q42_inodes(server):
    if server.world.is_reduced:
        pytest.skip("no file system of its own: see SECURITY.md")
    job = server.start_job("inodes 60000 25")
    time.sleep(1)
    assert server.normal() is not None
    job.reset()
    reply = server.job("inodes 60000 0 ; exit 1", timeout=20)
    assert reply.status != 0 and b"scratch" in reply.serr, reply
    assert (number("INODES", reply.text) or 0) < 60000, reply
    assert wait_until(server.is_idle, 3)


def test_deep_tree(server):
    before = snapshot(server.scratch)
    reply = server.job("deep 5000", timeout=20)
    assert reply.ended == "eof", reply
    assert server.wait_normal()
    assert snapshot(server.scratch) == before


@pytest.mark.parametrize("steps", ["inodes 3000 20", "disk 100 20"])
def test_q63_scratch_is_empty_after_a_cut(server, steps):
    """the job tree goes whatever way the job ends"""
    before, shmem = snapshot(server.scratch), meminfo("Shmem")
    job = server.start_job(steps)
    time.sleep(1)
    job.reset()
    assert wait_until(server.is_idle, 4)
    assert wait_until(lambda: snapshot(server.scratch) == before, 3)
    assert wait_until(lambda: meminfo("Shmem") < shmem + 64 * MB, 3)


def test_pipes(server):
    """kernel memory behind descriptors"""
    with Memory(server.pid):
        reply = server.job("pipes 1000", timeout=20)
    m = re.search(r"PIPES (\d+)", reply.text)
    assert m is None or int(m.group(1)) < 256, reply
    assert server.wait_normal()


# --- processes ---------------------------------------------------------------

def test_q43_300_processes(server):
    reply = server.job("forks 300 20 ; sleep 1")
    assert number("FORKS", reply.text) < 100, reply
    assert wait_until(server.is_idle, 2)
    assert server.wait_normal()


@pytest.mark.parametrize("steps", ["forks 20 30", "daemon 30",
                                   "child daemon 30", "forks 5 30 ; die 11",
                                   "forks 5 30 ; exit 1"])
def test_q44_processes_of_a_finished_job(server, steps):
    reply = server.job(steps)
    assert reply.ended == "eof" and reply.wrong is None, reply
    assert reply.status is not None, reply
    assert wait_until(server.is_idle, 2), "processes outlive the job"


def test_q44_control(world, tmp_path):
    try:
        kit_alone(world, "forks 5 3 ; daemon 3", tmp_path)
        time.sleep(0.2)
        assert len(running_program(world.kit)) == 6
    finally:
        wait_until(lambda: not running_program(world.kit), 5)


def test_fork_bomb(server):
    """others are served meanwhile; nothing is left two seconds later"""
    job = server.start_job("bomb 4")
    time.sleep(1)
    assert len(server.job_pids()) < 100
    seconds = server.normal()
    assert seconds is not None
    job.receive(10)
    assert wait_until(server.is_idle, 2)


def test_fork_bomb_reset(server):
    job = server.start_job("bomb 20")
    time.sleep(0.5)
    job.reset()
    assert wait_until(server.is_idle, 3)
    assert server.wait_normal()


@contextlib.contextmanager
def sleeping_jobs(servers):
    """{server: status of its job's process}, one job each"""
    with contextlib.ExitStack() as stack:
        found = {}
        for server in servers:
            stack.enter_context(server.start_job("sleep 20"))
            assert wait_until(
                lambda: len(servers[0].job_pids()) > len(found), 5)
            pid, = set(server.job_pids()) - set(found)
            found[pid] = read_text(f"/proc/{pid}/status")
        yield list(found)
    assert wait_until(servers[0].is_idle, 5)


def uid_of(pid):
    return int(re.search(r"^Uid:\s+(\d+)", read_text(f"/proc/{pid}/status"),
                         re.M).group(1))


def test_two_daemons_share_no_uid(make_server, as_root):
    """or one's fork bomb would use up the other's RLIMIT_NPROC"""
    servers = [make_server("--max-processes", "20") for _ in range(2)]
    with sleeping_jobs(servers) as pids:
        ranges = {uid_of(pid) // 8192 for pid in pids}
        assert len(ranges) == 2 and min(ranges) >= 0x70000000 // 8192
        for pid in pids:        # tight: the job's, and PID 1
            assert re.search(r"^Max processes\s+21\s+21 ",
                             read_text(f"/proc/{pid}/limits"), re.M)
    bombs = [servers[0].start_job("bomb 20", fresh_source())
             for _ in range(3)]
    time.sleep(1)
    reply = servers[1].job("forks 15 1 ; sleep 1")
    assert number("FORKS", reply.text) == 15, reply
    for bomb in bombs:
        bomb.reset()
    assert wait_until(servers[0].is_idle, 5)


def test_two_daemons_share_no_uid_control(make_server, as_root):
    """told to use the same, they do: the test above sees it"""
    servers = [make_server("--jail-uids", "1900000000-1900000099")
               for _ in range(2)]
    with sleeping_jobs(servers) as pids:
        assert {uid_of(pid) // 100 for pid in pids} == {19000000}


def test_too_few_uids_are_refused(world, as_root):
    import arena
    with pytest.raises(RuntimeError, match="--jail-uids: 5 ids"):
        arena.Server(world, args=["--jail-uids", "1900000000-1900000004"])


# --- time --------------------------------------------------------------------

@pytest.mark.parametrize("steps", ["Q53-hang 40", "Q54-spin 4 40",
                                   "kill 1 19 ; hang 40", "bomb 40"])
def test_lifetime(short, steps):
    """--job-lifetime ends all of a job, whatever it ignores"""
    steps = re.sub(r"^Q\d+-", "", steps)
    begin = time.monotonic()
    reply = short.job(steps, timeout=LIFETIME_S + 6)
    assert reply.ended == "eof" and reply.status not in (None, 0), reply
    assert time.monotonic() - begin < LIFETIME_S + 3
    assert wait_until(short.is_idle, 2)
    assert b"job-lifetime" in reply.serr or b"time" in reply.serr, reply
    assert short.wait_normal()


MACROS = "#define A0 1,1,1,1,1,1,1,1,1,1,\n" + "".join(
    f"#define A{i} " + f"A{i - 1} " * 10 + "\n" for i in range(1, 8)) + \
    "int a[] = { A6 A6 A6 A6 A6 };\n"
CONSTEXPR = ("constexpr long f(long n) { long s = 0; for (long i = 0; i < n;"
             " i++) s += i % 7; return s; }\nstatic_assert("
             "f(9000000000000000000) > 0);\n")


@pytest.mark.parametrize("id,argv,source", [
    ("Q02", ["gcc", "-x", "c", *A], MACROS),
    ("Q03", ["g++", "-x", "c++",
             "-fconstexpr-ops-limit=9223372036854775807",
             "-fconstexpr-loop-limit=2147483647", *A], CONSTEXPR),
], ids=["Q02-macros", "Q03-constexpr"])
def test_compiler_without_end(short, id, argv, source):
    with Memory(short.pid) as memory:
        reply = short.send(wirekit.request(argv, source),
                           timeout=LIFETIME_S + 6)
        assert short.wait_normal()
    assert reply.ended == "eof", reply
    assert reply.seconds < LIFETIME_S + 3
    assert len(reply.raw) < REPLY_MAX
    assert memory.peak - memory.first < 2048 * MB, memory.peak


# --- one client against the others -------------------------------------------

def test_q45_long_jobs_of_one_client(server):
    """12 of them, on 4 slots: another address is served"""
    source = fresh_source()
    with contextlib.ExitStack() as stack:
        jobs = [stack.enter_context(server.start_job("hang 25", source))
                for _ in range(12)]
        time.sleep(0.5)
        assert 0 < len(server.job_pids()) < server.jobs
        for _ in range(3):
            seconds = server.normal()
            assert seconds is not None and seconds < 3
        for job in jobs:
            job.reset()
    assert wait_until(server.is_idle, 5)


def test_q45_control(stock):
    with contextlib.ExitStack() as stack:
        jobs = [stack.enter_context(stock.start_job("hang 3", "127.0.0.4"))
                for _ in range(stock.jobs + 8)]
        time.sleep(0.5)
        assert stock.normal("127.0.0.3", timeout=1) is None
        for job in jobs:
            job.reset()
    wait_until(stock.is_idle, 6)


# --- the machine as it was ---------------------------------------------------

def open_files(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:             # ended, or not ours to look at
        return 0


def state_of(server):
    """what a job could leave behind"""
    pids = tree(server.pid)
    groups = 0
    # each daemon's are below a directory named after its jailer
    ours = tuple(f"distccd.{pid}." for pid in pids)
    for path, dirs, _ in os.walk("/sys/fs/cgroup"):
        groups += sum(d.startswith(ours) for d in dirs)
        if os.path.basename(path).startswith(ours):
            groups += len(dirs)
    spaces = set()
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            with contextlib.suppress(OSError):
                spaces.add(os.readlink(f"/proc/{pid}/ns/net"))
    return {
        "processes": len(pids),
        "mounts": len(read_text("/proc/self/mountinfo").splitlines()),
        "daemon mounts": len(
            read_text(f"/proc/{server.pid}/mountinfo").splitlines()),
        "cgroups": groups,
        "descriptors": sum(map(open_files, pids)),
        "network namespaces": len(spaces),
        "files": len(snapshot(server.scratch)),
        "shared segments": len(read_text("/proc/sysvipc/shm").splitlines()),
    }


def settled(server, want, seconds=5):
    now = {}

    def same():
        now.clear()
        now.update(state_of(server))
        return all(now[k] <= want[k] for k in want)

    assert wait_until(same, seconds, 0.2), (want, now)


@pytest.mark.parametrize("kind", ["normal", "hostile"])
def test_many_jobs_leave_nothing(make_server, kind):
    """10000 with DISTCC_LEAK_JOBS=10000"""
    jobs = int(os.environ.get("DISTCC_LEAK_JOBS", "300"))
    if kind == "hostile":
        jobs = max(10, jobs // 5)
    server = make_server(jobs=4)
    for _ in range(8):
        assert server.normal() is not None
    time.sleep(0.5)
    before = state_of(server)
    # a group is kept for each jail that there may be at a time, once used
    before["cgroups"] = 2 * (1 + 2 * server.jobs + 2)
    shmem = meminfo("Shmem")
    steps = ["forks 5 20", "disk 5 0", "inodes 200 0", "exit 1", "die 11",
             "out fifo", "out none", "mkdir d", "deep 50", "daemon 20"]
    source = fresh_source()
    for i in range(jobs):
        if kind == "normal":
            assert server.normal(source) is not None
        elif i % 3 == 2:
            c = server.start_job("sleep 5", fresh_source())
            time.sleep(0.01)
            c.reset()
        else:
            server.job(steps[i % len(steps)])
    settled(server, before)
    assert wait_until(lambda: meminfo("Shmem") < shmem + 64 * MB, 3)


def test_idle_memory(make_server):
    """RSS of an idle daemon with its pool: under 25 MB"""
    server = make_server(jobs=4)
    assert server.normal() is not None
    time.sleep(0.5)
    total = 0
    for pid in tree(server.pid):
        m = re.search(r"^Pss:\s+(\d+)",
                      read_text(f"/proc/{pid}/smaps_rollup"), re.M)
        total += int(m.group(1)) * 1024 if m else 0
    assert 0 < total < 25 * MB or not IS_ROOT, total
