# SPDX-License-Identifier: GPL-2.0-or-later
""""+zeroconf" with a real Avahi and stock's announcements."""
import ctypes
import fcntl
import os
import shlex
import time

import pytest

import avahikit
import clientlib
import harness

HELPER = os.path.join(harness.BUILD, "libexec", "distcc-zeroconf")

needs_helper = pytest.mark.skipif(
    not os.access(HELPER, os.X_OK),
    reason="distcc-zeroconf is not built (Debian package "
           "libavahi-client-dev)")


@pytest.fixture
def client(tmp_path):
    it = clientlib.Client(tmp_path)
    it.log = os.path.join(it.directory, "log")
    yield it
    stop_helper(it)


def hosts_path(client):
    return os.path.join(client.state, "zeroconf", "hosts")


def read_hosts(client):
    try:
        with open(hosts_path(client)) as file:
            return file.read().split()
    except FileNotFoundError:
        return None


def stop_helper(client):
    """It ends when its DISTCC_DIR does not need it any more."""
    lock = os.path.join(client.state, "zeroconf", "lock")
    if os.path.exists(lock):
        os.utime(lock, (0, 0))


@pytest.fixture
def net(tmp_path):
    why = avahikit.missing()
    if why:
        pytest.skip(why)
    it = avahikit.Net(tmp_path)
    yield it
    it.stop()


def command(client, program, *args, hosts="+zeroconf", **env):
    words = [f"{name}={value}" for name, value in client.environment(
        hosts, {"DISTCC_LOG": client.log, "DISTCC_VERBOSE": "1",
                **env}).items()]
    return f"cd {client.work} && " + shlex.join(["env", *words, program,
                                                 *args])


def start_stock(net, client, jobs):
    port = harness.free_port()
    log = os.path.join(client.directory, f"stock-{port}.log")
    os.chmod(client.directory, 0o755)
    net.sh(f"/usr/bin/distccd --daemon --no-detach --zeroconf --port {port} "
           f"--allow {avahikit.ADDRESS} -j {jobs} --log-stderr --verbose "
           f">{log} 2>&1 & echo $! >{client.directory}/pid-{port}")
    return port


@needs_helper
def test_stock_servers_are_found(client, net, stock_daemon_program):
    port = start_stock(net, client, 6)
    # the first job may come before the announcement
    assert net.until(lambda: net.sh(
        command(client, clientlib.DISTCC, "gcc", "-c", "hello.c")) == 0 and
        read_hosts(client))
    assert read_hosts(client) == [f"{avahikit.ADDRESS}:{port}/6"]
    assert net.sh(command(client, clientlib.DISTCC, "gcc", "-c", "hello.c",
                          DISTCC_FALLBACK="0")) == 0
    with open(client.log) as file:
        assert (f"on {avahikit.ADDRESS}:{port}/6 completed ok"
                in file.read())
    # -j and --show-hosts count them, too, beside the list's own
    out = os.path.join(client.directory, "out")
    assert net.sh(command(client, clientlib.DISTCC, "-j",
                          hosts="+zeroconf other/3") + f" >{out}") == 0
    with open(out) as file:
        assert file.read() == "9\n"
    # it goes, another one comes (two of stock's on one machine end in stock's
    # own assertion)
    with open(os.path.join(client.directory, f"pid-{port}")) as file:
        assert net.sh(f"kill {file.read().strip()}") == 0
    assert net.until(lambda: read_hosts(client) == [])
    second = start_stock(net, client, 3)
    assert net.until(lambda: read_hosts(client) ==
                     [f"{avahikit.ADDRESS}:{second}/3"])


@needs_helper
def test_servers_with_another_gcc_are_left_out(client, net,
                                               stock_daemon_program):
    """The test above is its control."""
    start_stock(net, client, 6)
    fake = os.path.join(client.directory, "bin")
    client.write(os.path.join(fake, "gcc"), "#!/bin/sh\necho 9\n")
    os.chmod(os.path.join(fake, "gcc"), 0o755)
    other = clientlib.Client(os.path.join(client.directory, "other"))
    other.log = client.log
    assert net.until(lambda: shown(net, other, clientlib.DISTCC))
    path = fake + ":" + client.env["PATH"]
    for _ in range(3):
        assert shown(net, client, clientlib.DISTCC, PATH=path) == []
    stop_helper(other)


def start_ours(net, client, sandbox_args, jobs):
    port = harness.free_port()
    log = os.path.join(client.directory, f"ours-{port}.log")
    words = [harness.OUR_DAEMON, "--daemon", "--no-detach", "--zeroconf",
             "--port", str(port), "--allow", avahikit.ADDRESS, "-j", str(jobs),
             "--log-stderr", *sandbox_args]
    net.sh(f"{shlex.join(words)} >{log} 2>&1 & "
           f"echo $! >{client.directory}/pid-{port}")
    return port


def shown(net, client, program, **env):
    """What a client's --show-hosts makes of +zeroconf."""
    out = os.path.join(client.directory, "shown")
    net.sh(command(client, program, "--show-hosts", **env) + f" >{out}")
    with open(out) as file:
        return sorted(file.read().split())


@needs_helper
def test_our_server_announces_itself(client, net, sandbox_args, tmp_path,
                                     stock_client_program):
    port = start_ours(net, client, sandbox_args, 5)
    expected = [f"{avahikit.ADDRESS}:{port}/5"]
    assert net.until(lambda: shown(net, client, clientlib.DISTCC) == expected)
    stock = clientlib.Client(tmp_path / "stock")
    stock.log = client.log
    assert net.until(lambda: shown(net, stock, stock_client_program) ==
                     expected)
    assert net.sh(command(client, clientlib.DISTCC, "gcc", "-c", "hello.c",
                          DISTCC_FALLBACK="0")) == 0
    # a second one finds the name taken, and takes another
    second = start_ours(net, client, sandbox_args, 2)
    both = sorted([*expected, f"{avahikit.ADDRESS}:{second}/2"])
    assert net.until(lambda: shown(net, client, clientlib.DISTCC) == both)
    # the announcement goes with the daemon, however that ends
    for victim, signal, left in ((port, "TERM", 1), (second, "KILL", 0)):
        with open(os.path.join(client.directory, f"pid-{victim}")) as file:
            assert net.sh(f"kill -{signal} {file.read().strip()}") == 0
        assert net.until(lambda: len(read_hosts(client)) == left)


@needs_helper
def test_server_waits_for_avahi(client, start_daemon):
    """Without D-Bus the daemon serves all the same."""
    daemon = start_daemon(["--zeroconf", "--log-stderr"], env={
        "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere/bus"})
    assert client.run("gcc", "-c", "hello.c", hosts=daemon.hostspec,
                      DISTCC_FALLBACK=0).returncode == 0


@needs_helper
def test_the_list_outlives_avahi(client, tmp_path, our_daemon):
    """No D-Bus: what was known before is used."""
    os.makedirs(os.path.dirname(hosts_path(client)))
    with open(hosts_path(client), "w") as file:
        file.write(our_daemon.hostspec + "/2\n")
    env = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere/bus",
           "DISTCC_FALLBACK": 0, "DISTCC_LOG": client.log,
           "DISTCC_VERBOSE": 1}
    for _ in range(2):
        assert client.run("gcc", "-c", "hello.c", hosts="+zeroconf",
                          **env).returncode == 0
    with open(client.log) as file:
        text = file.read()
    # one process waits for somebody to ask, however many jobs come
    assert text.count("starting ") == 1
    assert read_hosts(client) == [our_daemon.hostspec + "/2"]


@needs_helper
def test_no_avahi_and_no_list(client):
    start = time.monotonic()
    result = client.run("gcc", "-c", "hello.c", hosts="+zeroconf",
                        DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere/bus")
    assert result.returncode == 0 and client.exists("hello.o")
    assert "+zeroconf: no host announces itself" in result.stderr
    assert time.monotonic() - start < 5
    assert read_hosts(client) == []


@needs_helper
def test_helper_writes_nothing_outside_its_directory(client, net,
                                                     stock_daemon_program):
    """A link in its way: followed within the directory, the control, but not
    out of it, although the user may write there."""
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 1:  # its version
        pytest.skip("this kernel has no Landlock")
    port = start_stock(net, client, 6)
    expected = [f"{avahikit.ADDRESS}:{port}/6"]
    directory = os.path.dirname(hosts_path(client))
    os.makedirs(directory)
    outside = os.path.join(client.directory, "outside")
    inside = os.path.join(directory, "inside")

    def run_with_link_to(target):
        with open(target, "w") as file:
            file.write("as it was")
        os.symlink(target, os.path.join(directory, "hosts.new"))
        net.sh(command(client, clientlib.DISTCC, "gcc", "-c", "hello.c"))

    run_with_link_to(inside)
    assert net.until(lambda: read_hosts(client) == expected)
    stop_helper(client)
    assert net.until(lambda: not helper_runs(client))
    os.unlink(hosts_path(client))
    run_with_link_to(outside)
    assert net.until(lambda: helper_runs(client))
    time.sleep(3)
    with open(outside) as file:
        assert file.read() == "as it was"
    assert not os.path.exists(hosts_path(client))


def helper_runs(client):
    """Whether somebody has its lock."""
    lock = os.path.join(client.state, "zeroconf", "lock")
    with open(lock, "r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@needs_helper
def test_damaged_or_hostile_list(client, our_daemon):
    """Only TCP hosts are taken from it."""
    os.makedirs(os.path.dirname(hosts_path(client)))
    seen = os.path.join(client.directory, "seen")
    for text in (f"@h:touch\n{our_daemon.hostspec}\n", "a:99999\n", "\0\n"):
        with open(hosts_path(client), "w") as file:
            file.write(text)
        result = client.run(
            "gcc", "-c", "hello.c", hosts=our_daemon.hostspec + " +zeroconf",
            DISTCC_SSH=f"touch {seen}", DISTCC_FALLBACK=0,
            DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere/bus")
        assert result.returncode == 0
    assert not os.path.exists(seen)


@needs_helper
def test_local_jobs_do_not_start_it(client):
    assert client.run("gcc", "-E", "hello.c",
                      hosts="+zeroconf").returncode == 0
    assert not os.path.exists(os.path.dirname(hosts_path(client)))
