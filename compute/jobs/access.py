"""Resets whose work the request has done; the job shows what is to be seen once."""

from __future__ import annotations

from compute.models import VirtualMachine
from core.steps import Run, Step, plan


@plan(cancellable=False)
def show_password(vm: VirtualMachine, *, with_password: bool) -> list[Step]:
    return [Step(hand_password_over, label="Hand the password over")]


def hand_password_over(run: Run, with_password: bool) -> None:
    if with_password:
        run.reply_once("password", run.secret("password"))
