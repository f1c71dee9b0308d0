#!/usr/bin/env python3
"""Debian 13 packages for any architecture, without root.

  debs.py lock                 write rootfs/packages.lock anew
  debs.py fetch SET...         download the packages of these sets
  debs.py unpack SET DIR       download, then unpack them into DIR
  debs.py cache                print the cache directory
  debs.py mirror               print the mirror in use

rootfs/packages names the sets and what each asks for; rootfs/packages.lock
pins every package that they need by version and SHA-256.  The mirror is the
one that this machine's own apt uses; $HARTWOOD_MIRROR overrides it.  Where
the mirror no longer has a pinned file (Debian made a point release), the set
is resolved again from the mirror's signed index, and that is said.

The cache is $HARTWOOD_CACHE, else $XDG_CACHE_HOME/hartwood, else
~/.cache/hartwood.
"""
import collections
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys

SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGES = os.path.join(TOP, "rootfs", "packages")
LOCK = os.path.join(TOP, "rootfs", "packages.lock")
SOURCES = os.path.join(TOP, "rootfs", "sources.lock")
# In a tree that `make dist` wrote: what would have been downloaded.
VENDOR = os.path.join(TOP, "vendor")

Set = collections.namedtuple("Set", "name arch components alone packages")
Deb = collections.namedtuple("Deb", "arch package version sha256 path")


class Failure(SystemExit):
    """Ends the program with one line on standard error."""

    def __init__(self, text):
        super().__init__(f"{os.path.basename(sys.argv[0])}: {text}")


def cache_dir(*parts):
    base = os.environ.get("HARTWOOD_CACHE")
    if not base:
        xdg = os.environ.get("XDG_CACHE_HOME")
        base = os.path.join(xdg or os.path.expanduser("~/.cache"), "hartwood")
    path = os.path.join(os.path.abspath(base), *parts)
    os.makedirs(path, exist_ok=True)
    return path


class Guard:
    """One process at a time works on a part of the cache."""

    def __init__(self, name):
        self.path = os.path.join(cache_dir(), f".{name}.lock")

    def __enter__(self):
        self.file = open(self.path, "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()


def host_arch():
    return subprocess.run(["dpkg", "--print-architecture"], text=True,
                          stdout=subprocess.PIPE, check=True).stdout.strip()


# The mirror

def configured_uris():
    """URIs in apt's source files, for a host whose index lists are empty."""
    files = ["/etc/apt/sources.list"]
    files += sorted(glob.glob("/etc/apt/sources.list.d/*"))
    for name in files:
        if not os.path.isfile(name):
            continue
        with open(name) as f:
            text = f.read()
        if name.endswith(".sources"):
            for m in re.finditer(r"^URIs:\s*(.+)$", text, re.M):
                yield from m[1].split()
        else:
            for m in re.finditer(r"^deb\s+(?:\[.*?\]\s+)?(\S+)", text, re.M):
                yield m[1]


def mirror():
    """The first source of Debian itself in this machine's apt, with a slash."""
    given = os.environ.get("HARTWOOD_MIRROR")
    if given:
        return given.rstrip("/") + "/"
    out = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(REPO_URI) $(ORIGIN)|$(LABEL)", "Created-By: Packages"],
        text=True, stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        uri, label = line.split(" ", 1)
        if label == "Debian|Debian":
            return uri.rstrip("/") + "/"
    for uri in configured_uris():
        if "security" not in uri and uri.rstrip("/").endswith("/debian"):
            return uri.rstrip("/") + "/"
    raise Failure("no Debian mirror in this machine's apt configuration "
                  "(set HARTWOOD_MIRROR)")


def download(items):
    """Fetch (uri, dest, sha256) triples with apt's own methods; those that
    could not be had are returned."""
    missing = [i for i in items if not os.path.exists(i[1])]
    for at in range(0, len(missing), 40):
        words = []
        for uri, dest, digest in missing[at:at + 40]:
            words += [uri, dest + ".part", "SHA256:" + digest]
        subprocess.run(["/usr/lib/apt/apt-helper", "-q",
                        "-o", "APT::Sandbox::User=root",
                        "-o", "Acquire::Retries=3",
                        "download-file", *words],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lost = []
    for item in missing:
        part = item[1] + ".part"
        if os.path.exists(part) and sha256(part) == item[2]:
            os.replace(part, item[1])
        else:
            lost.append(item)
            if os.path.exists(part):
                os.unlink(part)
    return lost


# Package sets

def read_sets():
    sets, cur = {}, None
    with open(PACKAGES) as f:
        for line in f:
            line = line.split("#")[0].strip()
            m = re.match(r"\[(\S+)\]\s+(\S+)(.*)$", line)
            if m:
                arch = host_arch() if m[2] == "host" else m[2]
                words = m[3].split()
                alone = "alone" in words
                comps = [w for w in words if w != "alone"] or ["main"]
                cur = sets[m[1]] = Set(m[1], arch, comps, alone, [])
            elif line:
                cur.packages.extend(line.split())
    return sets


def read_lock():
    pins = collections.defaultdict(list)
    if os.path.exists(LOCK):
        with open(LOCK) as f:
            for line in f:
                if line.startswith("#") or not line.strip():
                    continue
                names, *rest = line.split()
                for name in names.split(","):
                    pins[name].append(Deb(*rest))
    return pins


def apt_env(s, update=True):
    """An environment in which apt knows only the suite, for one set's
    architecture and components; its index is fetched when it is not there."""
    d = cache_dir("apt", "-".join([s.arch] + s.components))
    conf = os.path.join(d, "apt.conf")
    env = dict(os.environ, APT_CONFIG=conf, LC_ALL="C")
    for sub in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(d, sub), exist_ok=True)
    open(os.path.join(d, "status"), "w").close()
    with open(os.path.join(d, "sources.list"), "w") as f:
        f.write(f"deb [arch={s.arch} signed-by={KEYRING}] {mirror()} {SUITE} "
                f"{' '.join(s.components)}\n")
    with open(conf, "w") as f:
        f.write(f"""APT::Architecture "{s.arch}";
APT::Architectures {{ "{s.arch}"; }};
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::ForceHash "SHA256";
Debug::NoLocking "true";
Dir::State "{d}";
Dir::State::lists "{d}/lists";
Dir::State::status "{d}/status";
Dir::Cache "{d}/cache";
Dir::Etc::SourceList "{d}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
""")
    host = subprocess.run(["apt-config", "dump", "--format", "%F \"%v\";%n",
                           "Acquire"], text=True, stdout=subprocess.PIPE).stdout
    keep = [l for l in host.splitlines()
            if re.match(r"Acquire::(https?|ftp)::\S*\S \"", l, re.I)]
    with open(conf, "a") as f:
        f.write("\n".join(keep) + "\n")
    if update:
        run = subprocess.run(["apt-get", "-q", "update"], env=env, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode:
            raise Failure("apt-get update failed:\n" + run.stdout)
    return env


def apt(env, *words):
    run = subprocess.run(words, env=env, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    if run.returncode:
        raise Failure(" ".join(words[:4]) + ": " + run.stderr.strip())
    return run.stdout


def expand(env, name):
    """`@meta` stands for the one package that a metapackage depends on."""
    if not name.startswith("@"):
        return name
    m = re.search(r"Depends: (\S+)", apt(env, "apt-cache", "depends", name[1:]))
    return m[1]


def resolve(s, update=True):
    """What the mirror offers for a set now, dependencies included."""
    env = apt_env(s, update)
    names = [expand(env, n) for n in s.packages]
    if s.alone:
        out = apt(env, "apt-get", "-q", "download", "--print-uris", *names)
    else:
        out = apt(env, "apt-get", "-q", "-y", "install", "--print-uris", *names)
    base, debs = mirror(), []
    for m in re.finditer(r"^'(\S+)' (\S+) \d+ SHA256:(\w+)", out, re.M):
        if not m[1].startswith(base):
            raise Failure(f"{m[1]} is not below {base}")
        package, version, arch = m[2][:-4].split("_")
        debs.append(Deb(arch, package, version.replace("%3a", ":"), m[3],
                        m[1][len(base):]))
    return sorted(debs)


def deb_file(deb):
    return os.path.join(cache_dir("debs"), os.path.basename(deb.path))


def try_fetch(debs):
    lacking = [d for d in debs if not os.path.exists(deb_file(d))]
    base = mirror() if lacking else ""
    return download([(base + d.path, deb_file(d), d.sha256) for d in lacking])


def stale(path, digest):
    """A cached file that is not what was asked for is thrown away."""
    if os.path.exists(path) and sha256(path) != digest:
        os.unlink(path)


def fetch(name):
    """The .deb files of a set, verified, base-files first."""
    s = read_sets()[name]
    debs = read_lock()[name]
    if any(d.arch not in (s.arch, "all") for d in debs):
        debs = []               # pinned on a host of another architecture
    with Guard("debs"):
        for d in debs:
            stale(deb_file(d), d.sha256)
        if not debs or try_fetch(debs):
            now = resolve(s)
            old = {d.package: d.version for d in debs}
            for d in now:
                if old.get(d.package) != d.version:
                    print(f"debs: {d.package}: pinned "
                          f"{old.get(d.package, 'nothing')}, the mirror has "
                          f"{d.version}; using that", file=sys.stderr)
            debs = now
            for d in debs:
                stale(deb_file(d), d.sha256)
            lost = try_fetch(debs)
            if lost:
                raise Failure(f"cannot download {lost[0][0]}"
                              f" and {len(lost) - 1} more")
    debs = sorted(debs, key=lambda d: d.package != "base-files")
    return [deb_file(d) for d in debs]


def unpack(name, tree):
    os.makedirs(tree, exist_ok=True)
    for deb in fetch(name):
        subprocess.run(["dpkg-deb", "-x", deb, tree], check=True)


def lock():
    users, fresh = collections.defaultdict(list), set()
    for s in read_sets().values():
        key = (s.arch, tuple(s.components))
        for d in resolve(s, key not in fresh):
            users[d].append(s.name)
        fresh.add(key)
    with open(LOCK, "w") as f:
        f.write("# Written by scripts/debs.py lock.\n"
                "# sets  architecture  package  version  sha256  path\n")
        for d in sorted(users, key=lambda d: (d.package, d.arch)):
            f.write(" ".join([",".join(users[d]), *d]) + "\n")


# Upstream sources

def fetch_src(name):
    """The pinned upstream tarball of that name; its file."""
    with open(SOURCES) as f:
        rows = [l.split() for l in f if l.strip() and l[0] != "#"]
    for row, digest, path in rows:
        if row == name:
            break
    else:
        raise Failure(f"no source is called {name}; there are: "
                      + ", ".join(r[0] for r in rows))
    dest = os.path.join(cache_dir("src"), os.path.basename(path))
    with Guard("src"):
        stale(dest, digest)
        if not os.path.exists(dest) and \
           download([(mirror() + path, dest, digest)]):
            raise Failure(f"the mirror has no {path} with the pinned checksum")
    return dest


def unpack_src(name, dest):
    """Unpack it into DEST without its top folder; nothing to do if that was
    done before from the same file."""
    vendor = os.path.join(VENDOR, name)
    if os.path.isdir(vendor):
        shutil.copytree(vendor, dest, dirs_exist_ok=True)
        return
    tar = fetch_src(name)
    mark = os.path.join(dest, ".from")
    if os.path.exists(mark) and open(mark).read() == os.path.basename(tar):
        return
    new = dest.rstrip("/") + ".new"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    subprocess.run(["tar", "-x", "--strip-components=1", "--no-same-owner",
                    "-C", new, "-f", tar], check=True)
    with open(os.path.join(new, ".from"), "w") as f:
        f.write(os.path.basename(tar))
    shutil.rmtree(dest, ignore_errors=True)
    os.rename(new, dest)


def main(words):
    if words == ["lock"]:
        lock()
    elif words[:1] == ["fetch"] and len(words) > 1:
        for name in words[1:]:
            print("\n".join(fetch(name)))
    elif words[:1] == ["unpack"] and len(words) == 3:
        unpack(words[1], words[2])
    elif words == ["cache"]:
        print(cache_dir())
    elif words == ["mirror"]:
        print(mirror())
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
