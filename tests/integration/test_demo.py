# SPDX-License-Identifier: GPL-2.0-or-later
"""What README's first command shows."""
import os
import subprocess
import sys

import harness

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../demo/demo.py")


def test_demo_shows_what_it_should():
    p = subprocess.run([sys.executable, DEMO, "--build", harness.BUILD],
                       capture_output=True, text=True, timeout=600,
                       stdin=subprocess.DEVNULL, check=False)
    assert p.returncode == 0, p.stdout + p.stderr
    assert p.stdout.endswith("demo: all as it should be\n"), p.stdout
    assert "file not found: /etc/passwd" in p.stdout
