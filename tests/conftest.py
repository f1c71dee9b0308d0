"""Options and fixtures that all suites share."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import guest
import images

# Disks of the suites: package set and size in MiB.
DISKS = {"test": ("test", 1280), "abi": ("abi", 192), "disk": ("disk", 2048)}


def pytest_addoption(parser):
    parser.addoption("--kernel", default="hartwood",
                     help="hartwood, linux, or the path of a kernel")
    parser.addoption("--qemu", default=None,
                     help="7 (the host's), 10, or the path of an emulator")
    parser.addoption("--smp", type=int, default=2)


def make_disk(name):
    package_set, size = DISKS[name]
    image = os.path.join(images.BUILD, name + ".ext4")
    images.disk(image, package_set, size, keep_written=name == "disk")
    return image


@pytest.fixture(scope="session")
def kernel(request):
    return request.config.getoption("--kernel")


@pytest.fixture(scope="session")
def machine(request, kernel):
    """The machine to boot; a test changes what it needs with with_()."""
    return guest.Machine(kernel=kernel, smp=request.config.getoption("--smp"),
                         qemu=request.config.getoption("--qemu"),
                         timeout=300, silence=60)


@pytest.fixture(scope="session")
def abi_disk():
    return make_disk("abi")


@pytest.fixture(scope="session")
def test_disk():
    return make_disk("test")


@pytest.fixture
def scratch(tmp_path_factory):
    """A folder for images, away from the repository."""
    return tmp_path_factory.mktemp("scratch")
