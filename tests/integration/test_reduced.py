# SPDX-License-Identifier: GPL-2.0-or-later
"""--sandbox=reduced, as an ordinary user has it in a container or over SSH."""
import os
import subprocess
import tempfile

import harness
import pytest

NOBODY = 65534
SLEEPERS = 80       # more than --max-processes


def become_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


@pytest.fixture
def busy_user():
    """an account on which much else runs"""
    try:
        subprocess.run([harness.OUR_DAEMON, "--version"], check=True,
                       preexec_fn=become_nobody, capture_output=True)
    except PermissionError:
        pytest.skip("the build directory is closed to other users")
    sleepers = [subprocess.Popen(["sleep", "60"], preexec_fn=become_nobody)
                for _ in range(SLEEPERS)]
    yield
    for s in sleepers:
        s.kill()
        s.wait()


def test_other_processes_of_the_user_do_not_count(busy_user, make_client,
                                                  tmp_path):
    (tmp_path / "a.c").write_text("int f(void) { return 1; }\n")
    # tmp_path is closed to other users
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, \
            harness.Daemon(place, args=[
                "--sandbox=reduced", "--max-processes", "20"],
                preexec=become_nobody) as daemon:
        p = make_client(daemon.hostspec).run("gcc", "-c", "a.c")
        assert p.returncode == 0, p.stderr.decode() + daemon.log()


def test_control(busy_user):
    """a limit that forgets them lets nothing start"""
    def limited():
        import resource
        become_nobody()
        resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))

    # (a compiler would try again for fifteen seconds)
    p = subprocess.run(["sh", "-c", "/bin/true; /bin/true"],
                       preexec_fn=limited, cwd="/tmp",
                       capture_output=True, check=False)
    assert p.returncode != 0 and b"fork" in p.stderr.lower(), p.stderr
