# SPDX-License-Identifier: GPL-2.0-or-later
"""A private sshd on a loopback port, with keys, a configuration and an account
(ours) of its own; of the system it uses only an empty /run/sshd, when root."""
import contextlib
import os
import pwd
import signal
import subprocess
import time

import harness

SSHD = "/usr/sbin/sshd"


def missing():
    """Why there can be no sshd here, or None."""
    for program in (SSHD, "/usr/bin/ssh", "/usr/bin/ssh-keygen"):
        if not os.access(program, os.X_OK):
            return f"no {program} (Debian package openssh-server)"
    if os.geteuid() == 0 and not os.path.isdir("/run/sshd"):
        # where sshd, when root, locks itself in before authentication
        with contextlib.suppress(OSError):
            os.mkdir("/run/sshd", 0o755)
    return None


class Sshd:
    def __init__(self, directory):
        self.directory = str(directory)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        os.chmod(self.directory, 0o700)
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", self.path(key)], check=True)
        with open(self.path("user_key.pub")) as file:
            self.write("authorized_keys", file.read())
        self.port = harness.free_port()
        self.write("sshd_config", "\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1",
            f"HostKey {self.path('host_key')}",
            f"AuthorizedKeysFile {self.path('authorized_keys')}",
            f"PidFile {self.path('pid')}", "StrictModes no", "UsePAM no",
            "PasswordAuthentication no", "PermitRootLogin prohibit-password",
            "MaxStartups 100", "PermitUserEnvironment no", ""]))
        self.log = open(self.path("log"), "wb")
        self.process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", self.path("sshd_config")],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True)
        self.wait_ready()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)
        os.chmod(self.path(name), 0o600)

    def wait_ready(self):
        for _ in range(200):
            if harness.is_listening(self.port):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        with open(self.path("log"), errors="replace") as file:
            raise RuntimeError("sshd does not start: " + file.read())

    def command(self, *more):
        """What DISTCC_SSH is to be."""
        return " ".join([
            "ssh", "-F", "/dev/null", "-p", str(self.port),
            "-i", self.path("user_key"), "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=accept-new",
            "-o", f"UserKnownHostsFile={self.path('known_hosts')}",
            "-o", "IdentitiesOnly=yes", *more])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.log.close()
