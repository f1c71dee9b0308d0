"""The gate: figures that a busy host cannot move stay within limits.tsv."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import counts
import guest


def read_limits():
    limits = {}
    with open(os.path.join(HERE, "limits.tsv")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                kind, name, limit = line.split("\t")
                limits[kind, name] = float(limit)
    return limits


def kernel_path(machine):
    return guest.kernel_files(machine)[0]


def count(machine, kernel):
    m = machine.with_(smp=1, append=counts.append_of(kernel), timeout=150,
                      silence=60)
    c = counts.count(m, counts.disk())
    assert not c.trouble, c.trouble
    return c


@pytest.fixture(scope="module")
def counted(machine, kernel):
    """One boot on one hart."""
    return count(machine, kernel)


@pytest.fixture(scope="module")
def measured(machine, kernel, counted):
    """{(kind, name): figure}."""
    figures = {("kB", "memory at the first command"): counted.memory}
    for name, f in counted.figures.items():
        figures["flushes", name] = f.flushes
        figures["instructions", name] = f.instructions
    if kernel != "linux":
        figures["bytes", "image"] = os.path.getsize(kernel_path(machine))
    return figures


def report(over, figures):
    return "\n".join(f"{kind} of {name}: {figures[kind, name]}, limit {limit}"
                     for (kind, name), limit in over.items())


def test_counts_are_there(measured):
    """And the operations themselves work, on any kernel."""
    missing = [key for key in read_limits()
               if key[0] != "bytes" and key not in measured]
    assert not missing, f"not counted: {missing}"


@pytest.mark.parametrize("kind", ["flushes", "instructions", "bytes", "kB"])
def test_within_limits(machine, kernel, measured, kind):
    if kernel == "linux":
        pytest.skip("the limits are Hartwood's")
    if guest.is_debug(machine):
        pytest.skip("a debug build counts its checks")
    over = {key: limit for key, limit in read_limits().items()
            if key[0] == kind and measured.get(key, 0) > limit}
    assert not over, report(over, measured)


# A thread's stack has a page table of its own or shares one, which comes and
# goes with it or not: by the random place of mappings, as norandmaps shows.
SPREAD = {"thread-join": 0.25}


def test_another_count_agrees(machine, kernel, counted):
    if kernel == "linux":
        pytest.skip("its tick is in the figures")
    again = count(machine, kernel).figures
    assert again.keys() == counted.figures.keys()
    apart = {name: (f, again[name]) for name, f in counted.figures.items()
             if abs(f.instructions - again[name].instructions) >
             max(SPREAD.get(name, 0.08) * f.instructions, 8) or
             abs(f.flushes - again[name].flushes) > 0.5}
    assert not apart
