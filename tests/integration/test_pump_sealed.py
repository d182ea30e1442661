# SPDX-License-Identifier: GPL-2.0-or-later
"""Pump mode through a sealed connection: the same objects, and headers that are
compared before any job, sealed as well."""
import subprocess

import pytest
from pumplib import SCAND, pumped


@pytest.mark.parametrize("option", ["auth=localhost", "seal=localhost"])
def test_object_through_authentication(server, client, sandbox_args, option):
    if sandbox_args:
        pytest.skip("pump mode needs a full jail")
    daemon = server("--auth=seal") if "seal" in option else server()
    c = client(daemon.port, ",lzo,cpp," + option)
    c.env["XDG_RUNTIME_DIR"] = c.directory
    with open(c.directory + "/p.c", "w", encoding="ascii") as f:
        f.write('#include <stdio.h>\n#include "p.h"\n'
                "int f(void) { return printf(TEXT); }\n")
    with open(c.directory + "/p.h", "w", encoding="ascii") as f:
        # long enough for many records
        f.write('#define TEXT "text"\n' + "".join(
            f"extern int variable_{i}_{i * 7919 % 10007};\n"
            for i in range(40000)))
    command = ["gcc", "-g", "-c", "p.c", "-o"]
    subprocess.run([*command, "local.o"], cwd=c.directory, check=True)
    try:
        p = c.run(*command, "remote.o")
    finally:
        subprocess.run([SCAND, "--stop"], env=c.env, check=False,
                       stderr=subprocess.DEVNULL)
    assert p.returncode == 0 and pumped(c.log()), c.log() + daemon.log()
    assert "comparing" in c.log()
    with open(c.directory + "/local.o", "rb") as a, \
            open(c.directory + "/remote.o", "rb") as b:
        assert a.read() == b.read()
