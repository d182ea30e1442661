# SPDX-License-Identifier: GPL-2.0-or-later
"""kdc - a private Kerberos realm on loopback, run by whoever runs the tests.

Needs Debian's krb5-kdc, krb5-admin-server and krb5-user.  Everything lives in
one directory; nothing of the machine's own Kerberos is read or changed.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

TOOLS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin"


def missing_tools():
    return [t for t in TOOLS if shutil.which(t, path=PATH) is None]


def free_port():
    """One that is free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.bind(("127.0.0.1", 0))
            port = u.getsockname()[1]
            with socket.socket() as t, contextlib.suppress(OSError):
                t.bind(("127.0.0.1", port))
                return port

CERTIFICATE = """[req]
prompt = no
distinguished_name = name
x509_extensions = kdc
[name]
CN = REALM
[kdc]
basicConstraints = CA:TRUE
keyUsage = digitalSignature,keyEncipherment,keyAgreement,keyCertSign
extendedKeyUsage = 1.3.6.1.5.2.3.5
subjectKeyIdentifier = hash
subjectAltName = otherName:1.3.6.1.5.2.2;SEQUENCE:principal
[principal]
realm = EXP:0,GeneralString:REALM
principal_name = EXP:1,SEQUENCE:words
[words]
name_type = EXP:0,INTEGER:1
name_string = EXP:1,SEQUENCE:word
[word]
first = GeneralString:krbtgt
second = GeneralString:REALM
"""


class Kdc:
    """Realms with a KDC each; names in other realms by cross_realm()."""

    def __init__(self, directory, realms=("TEST.LOCAL",), has_pkinit=False):
        self.dir = str(directory)
        self.has_pkinit = has_pkinit
        os.makedirs(self.dir, exist_ok=True)
        self.realms = list(realms)
        self.ports = {r: free_port() for r in self.realms}
        self.processes = []
        self.conf = os.path.join(self.dir, "krb5.conf")
        self.write_conf(self.conf, **self.pkinit_conf())
        for realm in self.realms:
            self.create(realm)
        for realm in self.realms:
            self.run_kdc(realm)

    # -- files

    def write_conf(self, path, **more):
        extra = "".join(f"  {k} = {v}\n" for k, v in more.items())
        realms = "".join(f"  {r} = {{\n    kdc = 127.0.0.1:{p}\n  }}\n"
                         for r, p in self.ports.items())
        with open(path, "w", encoding="ascii") as f:
            f.write(f"[libdefaults]\n  default_realm = {self.realms[0]}\n"
                    "  dns_lookup_kdc = false\n  dns_lookup_realm = false\n"
                    "  dns_canonicalize_hostname = false\n  rdns = false\n"
                    f"  qualify_shortname = \"\"\n{extra}"
                    f"[realms]\n{realms}")
        os.chmod(path, 0o644)

    def kdc_conf(self, realm):
        return os.path.join(self.dir, f"kdc-{realm}.conf")

    def create(self, realm):
        base = os.path.join(self.dir, realm)
        with open(self.kdc_conf(realm), "w", encoding="ascii") as f:
            f.write(f"""[kdcdefaults]
  kdc_listen = 127.0.0.1:{self.ports[realm]}
  kdc_tcp_listen = 127.0.0.1:{self.ports[realm]}
[realms]
  {realm} = {{
    database_name = {base}.db
    key_stash_file = {base}.stash
    acl_file = {base}.acl
    max_life = 10h
    master_key_type = aes256-cts-hmac-sha1-96
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
{self.pkinit_lines(realm)}  }}
[logging]
  kdc = FILE:{base}.log
""")
        self.tool(realm, "kdb5_util", "-r", realm, "create", "-s", "-P",
                  "masterpw")

    # -- tickets for nobody in particular need a certificate of the KDC's

    def pkinit_conf(self):
        anchors = "".join(f"FILE:{self.dir}/{r}.pem " for r in self.realms)
        return {"pkinit_anchors": anchors} if self.has_pkinit else {}

    def pkinit_lines(self, realm):
        if not self.has_pkinit:
            return ""
        base = os.path.join(self.dir, realm)
        with open(f"{base}.cnf", "w", encoding="ascii") as f:
            f.write(CERTIFICATE.replace("REALM", realm))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "2", "-config", f"{base}.cnf", "-keyout",
             f"{base}.key", "-out", f"{base}.pem"], check=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        return f"    pkinit_identity = FILE:{base}.pem,{base}.key\n" \
            f"    pkinit_anchors = FILE:{base}.pem\n"

    def kinit_anonymous(self):
        """A ticket for WELLKNOWN/ANONYMOUS, who must have been added."""
        cache = os.path.join(self.dir, "cc_anonymous")
        env = self.env(KRB5CCNAME=f"FILE:{cache}")
        p = subprocess.run(["kinit", "-n"], env={**os.environ, **env,
                                                 "PATH": PATH},
                           stdin=subprocess.DEVNULL, text=True,
                           capture_output=True, timeout=30, check=False)
        if p.returncode != 0:
            raise RuntimeError(f"kinit -n: {p.stderr}")
        return env

    def env(self, **more):
        """For a client or a server in this realm."""
        env = {"KRB5_CONFIG": self.conf, "KRB5RCACHEDIR": self.dir}
        env.update({k: str(v) for k, v in more.items()})
        return env

    def tool(self, realm, *args):
        p = subprocess.run(
            args, env={**os.environ, **self.env(), "PATH": PATH,
                       "KRB5_KDC_PROFILE": self.kdc_conf(realm)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        if p.returncode != 0 or " while " in p.stdout:
            raise RuntimeError(f"{args}: {p.stdout}")
        return p.stdout

    def run_kdc(self, realm):
        p = subprocess.Popen(
            [shutil.which("krb5kdc", path=PATH), "-n", "-r", realm],
            env={**os.environ, **self.env(),
                 "KRB5_KDC_PROFILE": self.kdc_conf(realm)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.processes.append(p)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(
                    ("127.0.0.1", self.ports[realm]), 1):
                return
            if p.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"the KDC of {realm} does not answer")

    # -- principals

    def realm_of(self, name):
        """A quoted "@" is the name's."""
        last = re.split(r"(?<!\\)@", name)
        return last[-1] if len(last) > 1 else self.realms[0]

    def add(self, name, password="pw", **attributes):
        words = [w for k, v in attributes.items() for w in (f"-{k}", str(v))]
        realm = self.realm_of(name)
        self.tool(realm, "kadmin.local", "-p", "admin", "-r", realm,
                  "addprinc", *words, "-pw", password, name)

    def keytab(self, path, *names):
        """Keys of these principals, made first."""
        path = os.path.join(self.dir, path)
        for name in names:
            realm = self.realm_of(name)
            self.tool(realm, "kadmin.local", "-p", "admin", "-r", realm, "-q",
                      f"addprinc -randkey {name}")
            self.tool(realm, "kadmin.local", "-p", "admin", "-r", realm, "-q",
                      f"ktadd -k {path} {name}")
        return path

    def cross_realm(self, client_realm, server_realm):
        """Let clients of one realm reach servers of the other."""
        name = f"krbtgt/{server_realm}@{client_realm}"
        for realm in (client_realm, server_realm):
            self.tool(realm, "kadmin.local", "-p", "admin", "-r", realm, "-q",
                      f"addprinc -pw shared {name}")

    def kinit(self, name, password="pw", cache=None, args=()):
        """A ticket; returns the environment that uses it."""
        cache = os.path.join(self.dir, cache or
                             "cc_" + name.replace("/", "_"))
        env = self.env(KRB5CCNAME=f"FILE:{cache}")
        p = subprocess.run(["kinit", *args, name], input=password + "\n",
                           env={**os.environ, **env, "PATH": PATH},
                           text=True, capture_output=True, timeout=30,
                           check=False)
        if p.returncode != 0:
            raise RuntimeError(f"kinit {name}: {p.stderr}")
        return env

    def log(self, realm=None):
        path = os.path.join(self.dir, (realm or self.realms[0]) + ".log")
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        for p in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGTERM)
            p.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
