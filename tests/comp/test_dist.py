"""The tree of `make dist`, built and booted where there is no network.

A build takes its time: `make test-dist` asks for it.
"""
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debs
import images
from test_comp import Run

COMPILERS = ["gcc-11", "gcc-12"]

pytestmark = pytest.mark.skipif(
    not os.environ.get("HARTWOOD_TEST_DIST"), reason="make test-dist runs it")


def has_namespaces():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    out = str(tmp_path_factory.mktemp("dist") / "hartwood.tar.gz")
    subprocess.run([os.path.join(debs.TOP, "scripts", "mkdist"), out],
                   check=True)
    return out


@pytest.mark.parametrize("compiler", COMPILERS)
def test_builds_and_boots_without_network(machine, archive, compiler, scratch):
    if not has_namespaces():
        pytest.skip("only root can leave the network")
    cc = images.cross() + compiler
    if not shutil.which(cc):
        pytest.skip(f"no {cc} on this host")
    names = subprocess.run(["tar", "-tf", archive], text=True, check=True,
                           stdout=subprocess.PIPE).stdout.split("\n")
    assert not [n for n in names if "/." in n]
    subprocess.run(["tar", "-C", str(scratch), "-xf", archive], check=True)
    tree = scratch / "hartwood"
    # No cache, no home: nothing of this host but its packages.
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(scratch / "no"),
           "HARTWOOD_CACHE": str(scratch / "no")}
    subprocess.run(["unshare", "-n", "make", f"-j{os.cpu_count()}", "all",
                    f"CC={cc}"], cwd=tree, env=env, check=True, timeout=1200)
    kernel = str(tree / "kernel-rv")
    run = Run(machine.with_(kernel=kernel, smp=1), "split", scratch)
    run.check_whole()
    assert run.names()[:2] == ["basic-musl", "basic-glibc"]
    assert not os.path.exists(env["HOME"])
