# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: our daemon and stock's, both clients, one directory a test."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import audit  # noqa: E402
import authlib  # noqa: E402
import harness  # noqa: E402
import kdc  # noqa: E402

SKIPS = {}


def pytest_sessionstart(session):
    session.config.audit = audit.Session(harness.FILTER_MODE)


def pytest_sessionfinish(session):
    session.config.audit.finish(session)


def pytest_report_header():
    text, is_strict = harness.missing_layers()
    lines = [f"build: {harness.BUILD}",
             f"user: {'root' if os.geteuid() == 0 else os.geteuid()}"]
    if not is_strict:
        lines += ["sandbox: a layer cannot be had here, so daemons run with "
                  "--sandbox=reduced:"]
        lines += ["    " + line for line in text.splitlines()]
    return lines


def pytest_runtest_logreport(report):
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        SKIPS[reason] = SKIPS.get(reason, 0) + 1


def pytest_terminal_summary(terminalreporter, config):
    config.audit.report(terminalreporter)
    for reason, count in sorted(SKIPS.items()):
        terminalreporter.write_line(f"skipped {count:4}  {reason}")


@pytest.fixture(scope="session")
def sandbox_args():
    """What our daemon needs to start here: nothing, or --sandbox=reduced."""
    _, is_strict = harness.missing_layers()
    return harness.FILTER_ARGS + (
        [] if is_strict else ["--sandbox=reduced"])


@pytest.fixture(scope="session")
def stock_daemon_program():
    if not harness.is_stock(harness.STOCK_DAEMON):
        pytest.skip("no stock distccd (Debian package distcc)")
    return harness.STOCK_DAEMON


@pytest.fixture(scope="session")
def stock_client_program():
    if not harness.is_stock(harness.STOCK_CLIENT):
        pytest.skip("no stock distcc (Debian package distcc)")
    return harness.STOCK_CLIENT


def make_starter(directory, sandbox_args):
    running = []

    def start(args=(), program=harness.OUR_DAEMON, **kwargs):
        if program == harness.OUR_DAEMON:
            args = [*sandbox_args, *args]
        daemon = harness.Daemon(str(directory), program, args, **kwargs)
        running.append(daemon)
        return daemon

    return start, running


@pytest.fixture
def start_daemon(tmp_path_factory, sandbox_args):
    """start_daemon(args=(), program=ours, env=, host=, jobs=) -> Daemon;
    stopped at the test's end"""
    start, running = make_starter(tmp_path_factory.mktemp("daemon"),
                                  sandbox_args)
    yield start
    for daemon in running:
        daemon.stop()


@pytest.fixture(scope="session")
def our_daemon(tmp_path_factory, sandbox_args):
    """One of ours for tests that do not change it."""
    start, running = make_starter(tmp_path_factory.mktemp("ours"),
                                  sandbox_args)
    yield start()
    for daemon in running:
        daemon.stop()


@pytest.fixture(scope="session")
def stock_daemon(tmp_path_factory, stock_daemon_program):
    with harness.Daemon(str(tmp_path_factory.mktemp("stock")),
                        stock_daemon_program) as daemon:
        yield daemon


@pytest.fixture
def make_client(tmp_path):
    """make_client(hosts, program=ours, **env) -> Client in tmp_path"""
    def make(hosts, program=harness.OUR_CLIENT, **env):
        return harness.Client(str(tmp_path), program, hosts, **env)
    return make


# Authentication: a private Kerberos realm


@pytest.fixture(scope="session")
def realm():
    missing = kdc.missing_tools()
    if missing:
        pytest.skip("no " + ", ".join(missing) + " (Debian packages krb5-kdc "
                    "krb5-admin-server krb5-user)")
    if not os.path.exists(f"{harness.BUILD}/libexec/distccd-auth"):
        pytest.skip("built without GSSAPI (NO_GSSAPI=1)")
    r = authlib.Realm()
    yield r
    r.stop()


@pytest.fixture
def server(realm, start_daemon):
    """server(*args, **env) -> a daemon with --auth, or what args say"""
    def make(*args, **env):
        if not any(a.startswith("--auth") for a in args):
            args = ("--auth", *args)
        d = start_daemon(list(args), env=realm.server_env(**env))
        # it listens before it serves, and stock's client waits a second
        authlib.logged(d, "event=started", 20)
        return d
    return make


@pytest.fixture
def client(realm, make_client, tmp_path):
    """client(port, option, ticket=alice's, **env) -> Client with a source"""
    def make(port, option, ticket=None, program=harness.OUR_CLIENT, **env):
        (tmp_path / "a.c").write_text(f"int {authlib.MARKER}(void)"
                                      " { return 42; }\n")
        return make_client(f"127.0.0.1:{port}{option}", program,
                           **{**(ticket or realm.alice), **env})
    return make
