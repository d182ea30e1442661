# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs where they may be installed or built."""
import os
import shutil

import harness
import pytest


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: its workers have "
                    "another user's ids")
def test_programs_in_a_folder_that_only_root_may_enter(
        start_daemon, make_client, tmp_path):
    """as in a clone below /root"""
    private = tmp_path / "private"
    for part in ("bin", "libexec"):
        shutil.copytree(os.path.join(harness.BUILD, part), private / part)
    private.chmod(0o700)
    # the control: a worker's user could not run the program by its name
    tmp_path.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        os.setresuid(65534, 65534, 65534)
        os._exit(0 if os.access(private / "libexec/distccd-worker", os.X_OK)
                 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    daemon = start_daemon(program=str(private / "bin" / "distccd"))
    (tmp_path / "a.c").write_text("int f(void) { return 1; }\n")
    p = make_client(daemon.hostspec).run("gcc", "-c", "a.c")
    assert p.returncode == 0, p.stderr + daemon.log()
