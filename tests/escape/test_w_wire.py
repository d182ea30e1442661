# SPDX-License-Identifier: GPL-2.0-or-later
"""W: a strict parser; no request keeps others from being served."""
import contextlib
import time

import pytest
import wirekit
from arena import (KIT_NAME, MB, SOURCE, Memory, fresh_source, is_running,
                   read_text, tree, wait_until)

A = ["gcc", "-c", "a.c", "-o", "a.o"]


def dist(value):
    return b"DIST" + value + wirekit.argv_tokens(A) + \
        wirekit.body("DOTI", SOURCE, 1)


def argv(*words):
    return wirekit.plain_request(list(words), SOURCE)


GOOD = wirekit.plain_request(A, SOURCE)

# bytes that are no request: nothing may be compiled
REFUSED = {
    "W07-compiler_name_starts_with_a_dash": argv("-x", "-c", "a.c"),
    "W08-empty_compiler_name": argv("", *A[1:]),
    "W09-NUL_in_an_argument": argv("gcc", "-c", "a.c\0-fplugin=x", "-o",
                                   "a.o"),
    "W10-DIST_0": dist(b"00000000"),
    "W11-HTTP": b"GET / HTTP/1.0\r\n\r\n",
    "W44-plus_sign": dist(b"+0000001"),
    "W44-minus_sign": dist(b"-0000001"),
    "W44-blanks": dist(b"       1"),
    "W44-0x": dist(b"0x000001"),
    "W44-NUL": dist(b"1\0\0\0\0\0\0\0"),
    "DIST_4": dist(b"00000004"),
    "DIST_1_twice": b"DIST00000001" + GOOD,
    "lower_case_token": GOOD.replace(b"DIST", b"dist"),
    "ARGV_before_ARGC": b"DIST00000001" + wirekit.string("ARGV", "gcc"),
    "ARGC_of_4_billion": b"DIST00000001ARGCffffffff",
    "ARGC_too_small": GOOD.replace(b"ARGC00000005", b"ARGC00000003"),
    "W23-ARGC_0": b"DIST00000001ARGC00000000" +
                  wirekit.body("DOTI", SOURCE, 1),
    "W53-an_argument_of_200_KB": argv(*A, "-D" + "x" * 200002),
    "ARGV_of_4_GB": b"DIST00000001ARGC00000002ARGVffffffff" + b"x" * 4096,
    "many_arguments": argv(*A, *["-O2"] * 5000),
    "W59-body_of_fffffff0": b"DIST00000002" + wirekit.argv_tokens(A) +
                            b"DOTIfffffff0" + b"x" * 4096,
    "LZO_of_nonsense": b"DIST00000002" + wirekit.argv_tokens(A) +
                       wirekit.string("DOTI", b"\xff" * 1000),
    "LZO_cut": b"DIST00000002" + wirekit.argv_tokens(A) +
               wirekit.string("DOTI", wirekit.lzo().pack(b"x" * 5000)[:-9]),
    "LZO_that_copies_from_before_its_start":
        b"DIST00000002" + wirekit.argv_tokens(A) +
        wirekit.string("DOTI", b"\x12x\x40\xff\x11\0\0"),
    "W13-cut_in_an_argument": GOOD[:60],
    "cut_in_a_header": GOOD[:17],
    "cut_in_the_body": GOOD[:-5],
    "one_byte": b"D",
    "nothing": b"",
    "auth_handshake_unasked": b"*",
    "TLS_hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
}


def compiled(server, least=0):
    """Jobs in the log, which may lag behind the replies."""
    end = time.monotonic() + 5
    while True:
        n = server.log().count("COMPILE_OK")
        time.sleep(0.02)
        if time.monotonic() > end or (n >= least and n ==
                                      server.log().count("COMPILE_OK")):
            return n


@pytest.mark.parametrize("name", REFUSED)
def test_refused(server, name):
    """closed at once, nothing compiled, the next one is served"""
    before = compiled(server)
    reply = server.send(REFUSED[name], half_close=True, timeout=8)
    assert reply.status != 0, reply
    assert reply.ended in ("eof", "reset"), reply
    assert server.is_alive() and server.wait_normal()
    assert compiled(server, before + 1) - before == 1


@pytest.mark.parametrize("name", ["W10-DIST_0", "W44-plus_sign",
                                  "W09-NUL_in_an_argument"])
def test_refused_control(stock, name):
    reply = stock.send(REFUSED[name], timeout=8)
    assert reply.status == 0, reply


# odd, but maybe a compile: any answer is right, no crash, no spin
ODD = {
    "W05-o_is_the_last_argument": argv("gcc", "-c", "a.c", "-o"),
    **{f"W54-{o}_is_the_last_argument": argv("gcc", "-c", "a.c", o) for o in (
        "-x", "-include", "-I", "-D", "-U", "-MF", "-MT", "-MQ", "-Xclang",
        "-Xassembler", "-Xpreprocessor", "-Xlinker", "--param", "-isystem",
        "-aux-info", "-wrapper", "-B", "-specs", "-idirafter", "-imacros",
        "-L", "-l", "-u", "-z", "-T", "-e", "-A", "-G", "-target", "-mllvm",
        "-dumpbase", "-arch", "--sysroot", "-iprefix")},
    "W59-empty_body_in_protocol_2": b"DIST00000002" +
                                    wirekit.argv_tokens(A) + b"DOTI00000000",
    "only_the_compiler": argv("gcc"),
    "no_input": argv("gcc", "-c"),
    "two_inputs": argv("gcc", "-c", "a.c", "b.c", "-o", "a.o"),
    "input_is_a_dash": argv("gcc", "-c", "-x", "c", "-", "-o", "a.o"),
    "output_is_a_dash": argv("gcc", "-c", "a.c", "-o", "-"),
    "empty_argument": argv("gcc", "-c", "", "a.c", "-o", "a.o"),
    "an_argument_of_blanks": argv("gcc", "-c", " ", "a.c", "-o", "a.o"),
    "input_name_with_control_bytes": argv("gcc", "-c", "\x1b[2J\n.c", "-o",
                                          "a.o"),
    "input_name_of_60000_bytes": argv("gcc", "-c", "x" * 60000 + ".c", "-o",
                                      "a.o"),
    "clang_with_gcc_options": argv("clang", "-fno-such", "-c", "a.c", "-o",
                                   "a.o"),
    "bytes_that_are_no_UTF8": argv("gcc", "-c", "\udcff\udcfe.c", "-o",
                                   "a.o"),
    "more_bytes_behind_the_request": GOOD + b"DIST00000001" + b"x" * 100000,
    "two_requests": GOOD + GOOD,
}


@pytest.mark.parametrize("name", ODD)
def test_odd(server, attempt, name):
    reply = server.send(ODD[name], timeout=8, half_close=True)
    assert attempt.effects(reply) == []
    assert reply.ended in ("eof", "reset"), reply
    assert reply.wrong is None or reply.ended == "reset", reply
    assert server.is_alive() and server.normal() is not None


def test_odd_control(stock):
    """stock's worker dies of some of them"""
    crashes = 0
    for name in ("W54--x_is_the_last_argument",
                 "W54--MF_is_the_last_argument",
                 "W54--Xclang_is_the_last_argument"):
        reply = stock.send(ODD[name], timeout=8)
        crashes += not reply.complete
    stock.send(REFUSED["W23-ARGC_0"], timeout=3)
    assert crashes or "signal" in stock.log() or "crash" in stock.log()


def test_w23_sixty_times(server):
    server.mark()
    for _ in range(60):
        server.send(REFUSED["W23-ARGC_0"], timeout=8, half_close=True)
    assert server.is_alive() and server.wait_normal()
    assert "worker_crashed" not in server.news()


def test_w23_control(stock):
    for _ in range(3):
        stock.send(REFUSED["W23-ARGC_0"], timeout=3)
    assert wait_until(lambda: "signal 11" in stock.log() or
                      "sig:11" in stock.log() or "SIGSEGV" in stock.log() or
                      "died" in stock.log(), 3), stock.log()[-2000:]


# --- half-close --------------------------------------------------------------

@pytest.mark.parametrize("protocol", [1, 2, 3])
def test_w14_half_close_is_served(server, protocol):
    reply = server.send(wirekit.request(A, SOURCE, protocol), half_close=True)
    assert reply.ok and reply.object.startswith(b"\x7fELF"), reply


def test_w14_half_close_of_a_slow_compile_is_served(server):
    reply = server.send(wirekit.request([KIT_NAME, *A[1:]],
                                        "sleep 2 ; out text fine\n"),
                        half_close=True)
    assert reply.ok and reply.object == b"fine", reply


# --- bombs -------------------------------------------------------------------

def bomb(mb):
    return wirekit.lzo().pack(b" " * (mb * MB))


@pytest.fixture(scope="module")
def bomb_400():
    return bomb(400)


@pytest.fixture(scope="module")
def bomb_32():
    return bomb(32)


def test_w17_lzo_bomb(server, bomb_400):
    """refused, and under 300 MB at the peak"""
    with Memory(server.pid) as memory:
        reply = server.send(b"DIST00000002" + wirekit.argv_tokens(A) +
                            wirekit.string("DOTI", bomb_400))
        assert server.wait_normal()
    assert reply.status != 0, reply
    assert memory.peak - memory.first < 300 * MB, memory.peak


def test_w17_control(stock, bomb_400):
    with Memory(stock.pid, stock.scratch) as memory:
        with stock.open() as c:
            c.send(b"DIST00000002" + wirekit.argv_tokens(A) +
                   wirekit.string("DOTI", bomb_400))
            wait_until(lambda: memory.peak - memory.first > 300 * MB, 10)
    assert memory.peak - memory.first > 300 * MB, memory.peak


def test_w18_length_of_512_mb(server):
    """refused; no process spins after the client has left"""
    with server.open() as c:
        c.send(b"DIST00000002" + wirekit.argv_tokens(A) + b"DOTI20000000")
        block = b"\0" * MB
        with Memory(server.pid) as memory:
            for _ in range(64):
                if not c.send(block):
                    break
    assert memory.peak - memory.first < 300 * MB
    time.sleep(0.3)
    before = ticks(server)
    time.sleep(1)
    assert ticks(server) - before < 40
    assert server.wait_normal()


def ticks(server):
    """processor time of all processes of the server, in 1/100 s"""
    total = 0
    for pid in tree(server.pid):
        fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12]) if fields else 0
    return total


def pump_bomb(name_count, packed):
    return (b"DIST00000003" + wirekit.string("CDIR", "/w") +
            wirekit.argv_tokens(A) +
            wirekit.token("NFIL", name_count + 1) + b"".join(
                wirekit.string("NAME", f"/w/x{i}.h") +
                wirekit.string("FILE", packed) for i in range(name_count)))


@pytest.mark.parametrize("what", ["Q57-24_files_of_32_MB",
                                  "Q58-one_file_of_400_MB"])
def test_files_expand(server, what, bomb_32, bomb_400):
    data = pump_bomb(24, bomb_32) if what.startswith("Q57") else \
        pump_bomb(1, bomb_400)
    with Memory(server.pid) as memory, server.open() as c:
        c.send(data)
        c.receive(1.5)
        assert server.wait_normal()
    assert memory.peak - memory.first < 512 * MB, memory.peak


def test_files_expand_control(stock, bomb_32):
    with Memory(stock.pid, stock.scratch) as memory, stock.open() as c:
        c.send(pump_bomb(24, bomb_32))
        wait_until(lambda: memory.peak - memory.first > 384 * MB, 30)
    assert memory.peak - memory.first > 384 * MB, memory.peak


def test_eight_bombs_at_once(server, bomb_32):
    """each within its cap, and still together under 1024 MB"""
    data = pump_bomb(5, bomb_32)
    with contextlib.ExitStack() as stack, Memory(server.pid) as memory:
        for _ in range(8):
            stack.enter_context(server.open()).send(data)
        time.sleep(1)
        assert server.wait_normal()
    assert memory.peak - memory.first < 1024 * MB, memory.peak


# --- many and odd connections ------------------------------------------------

def test_w49_resets_in_the_header(server):
    source = fresh_source()
    for _ in range(300):
        with contextlib.suppress(OSError):
            c = server.open(source)
            c.send(b"DIST0000")
            c.reset()
    assert server.is_alive() and server.wait_normal()
    assert wait_until(lambda: workers(server) == 0, 10)


def workers(server):
    return sum("distccd-worker" in read_text(f"/proc/{pid}/cmdline")
               for pid in tree(server.pid) if is_running(pid))


def test_w50_long_jobs_abandoned(server):
    source = fresh_source()
    server.mark()
    for _ in range(40):
        with contextlib.suppress(OSError):
            c = server.start_job("spin 1 30", source)
            time.sleep(0.02)
            c.reset()
    assert server.wait_normal()
    assert wait_until(server.is_idle, 5)
    # to leave is no crime, whichever step of the worker it meets
    assert "worker_crashed" not in server.news()


@pytest.mark.parametrize("ms", [0, 2, 5, 8, 12, 16])
def test_leaving_is_no_misdeed(server, ms):
    """at any moment: no crash is seen in it, and no penalty follows"""
    source = fresh_source()
    server.mark()
    for _ in range(12):
        with contextlib.suppress(OSError):
            c = server.open(source)
            c.send(GOOD)
            time.sleep(ms / 1000)
            c.reset()
    assert wait_until(lambda: workers(server) == 0, 5)
    assert "worker_crashed" not in server.news()
    assert server.normal(source) is not None


@pytest.mark.parametrize("seed", range(4))
def test_w58_random_changes(server, attempt, seed):
    """400 requests of all protocols with small changes"""
    rng = wirekit.rng(seed)
    server.mark()
    good = [wirekit.request(A, SOURCE, p) for p in (1, 2, 3)]
    good.append(wirekit.pump_request(
        A, [("/w/a.c", '#include "x.h"\n'), ("/w/x.h", SOURCE),
            ("/w/l", wirekit.Link("x.h"))]))
    for i in range(100):
        reply = server.send(wirekit.mutate(good[i % 4], rng), timeout=8,
                            half_close=True)
        assert reply.ended != "timeout", (seed, i, reply)
    assert attempt.effects(reply) == []
    assert server.is_alive() and server.wait_normal()
    assert "worker_crashed" not in server.news()
    assert wait_until(lambda: workers(server) == 0, 10)


def test_w56_not_in_the_allow_list(make_server):
    server = make_server(jobs=2, allow="127.0.0.2")
    assert server.normal("127.0.0.2") is not None
    reply = server.send(GOOD, source="127.0.0.9")
    assert reply.raw == b"", reply
    assert server.normal("127.0.0.2") is not None
