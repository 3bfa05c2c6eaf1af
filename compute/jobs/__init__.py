"""What is done to machines on hosts, as plans of steps with a way back each."""

from compute.jobs.access import show_password
from compute.jobs.deploy import deploy_vm, start_vm
from compute.jobs.done import done
from compute.jobs.filtering import apply_group
from compute.jobs.maintenance import enter_maintenance
from compute.jobs.nics import add_nic, readdress_nic, remove_nic
from compute.jobs.power import reboot_vm, stop_vm
from compute.jobs.reinstall import reinstall_vm
from compute.jobs.removal import clean_host, destroy_vm, expunge_vm, remove_stranger
from compute.jobs.volumes import attach_volume, change_iso, detach_volume

__all__ = [
    "add_nic",
    "apply_group",
    "attach_volume",
    "change_iso",
    "clean_host",
    "deploy_vm",
    "destroy_vm",
    "detach_volume",
    "done",
    "enter_maintenance",
    "expunge_vm",
    "readdress_nic",
    "reboot_vm",
    "reinstall_vm",
    "remove_stranger",
    "remove_nic",
    "show_password",
    "start_vm",
    "stop_vm",
]
