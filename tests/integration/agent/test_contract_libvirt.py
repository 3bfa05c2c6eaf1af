"""The contract, held by real libvirt, QEMU, directories and network namespaces."""

import pytest

from tests.unit.agent.contract_domains import DeviceContract, DomainContract
from tests.unit.agent.contract_network import NetworkContract
from tests.unit.agent.contract_storage import StorageContract

pytestmark = pytest.mark.libvirt


class TestDomains(DomainContract):
    pass


class TestDevices(DeviceContract):
    pass


class TestStorage(StorageContract):
    pass


class TestNetwork(NetworkContract):
    pass
