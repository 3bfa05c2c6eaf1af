import pytest

from infra.services import configuration
from tests.unit.compute.asking import deploy, done

pytestmark = pytest.mark.django_db


def test_hosts_know_machines_by_number_or_by_name_as_the_setting_says(world, cloud, caller):
    vm = done(deploy(caller, cloud, startvm="false"))
    assert vm.instance_name == f"i-{vm.account_id}-{vm.pk}-VM"
    configuration.set_value("vm.instancename.flag", "true")
    vm = done(deploy(caller, cloud, name="web-2", startvm="false"))
    assert vm.instance_name == f"i-{vm.account_id}-{vm.pk}-web-2"
