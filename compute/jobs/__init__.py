"""What is done to machines on hosts, as plans of steps with a way back each."""

from compute.jobs.deploy import deploy_vm, start_vm
from compute.jobs.done import done
from compute.jobs.power import reboot_vm, stop_vm
from compute.jobs.removal import destroy_vm, expunge_vm

__all__ = ["deploy_vm", "destroy_vm", "done", "expunge_vm", "reboot_vm", "start_vm", "stop_vm"]
