"""The tree of `make dist`, built where there is no network, and its kernel on
a test disk."""
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debs
import images
from test_comp import BASIC, EXPECTED, Run

COMPILERS = ["gcc-11", "gcc-12"]
# The shortest limits at which every group that does not hang still ends.
APPEND = "comp.limit=3 comp.case=1 comp.time=200"


def without_network():
    """The words in front of a command that leave the network, if some do."""
    for words in (["unshare", "-n"], ["unshare", "-rn"]):
        if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL
                          ).returncode == 0:
            return words
    return None


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    out = str(tmp_path_factory.mktemp("dist") / "hartwood.tar.gz")
    subprocess.run([os.path.join(debs.TOP, "scripts", "mkdist"), out],
                   check=True)
    return out


@pytest.mark.parametrize("compiler", COMPILERS)
def test_builds_and_boots_without_network(machine, archive, compiler, scratch):
    leave = without_network()
    if not leave:
        pytest.skip("this user cannot leave the network")
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
    subprocess.run([*leave, "make", f"-j{os.cpu_count()}", "all",
                    f"CC={cc}"], cwd=tree, env=env, check=True, timeout=1200)
    run = Run(machine.with_(kernel=str(tree / "kernel-rv"), smp=1), "split",
              scratch, APPEND)
    run.check_whole()
    assert run.names() == EXPECTED["split"]
    assert run.group("basic-musl") == run.group("basic-glibc") == BASIC
    assert not os.path.exists(env["HOME"])
