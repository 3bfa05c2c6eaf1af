"""What the contract tests need of a host: an agent, a pool, a store, guests to try things on."""

import dataclasses
import itertools
import time
import uuid

import pytest

from agent import protocol as p

MIB, GIB = 2**20, 2**30


class Rig:
    """``agent`` with a prepared pool and store. Subclasses know how to misuse their host."""

    def __init__(self, agent, pool: p.PoolRef, store: p.StoreRef) -> None:
        self.agent = agent
        self.pool = pool
        self.store = store
        self.events: list[p.DomainEvent] = []
        self._numbers = itertools.count(1)
        self._started: list[str] = []
        self.call("pool.prepare", p.PreparePool(pool))
        self.call("store.prepare", p.PrepareStore(store))
        agent.listen(self.events.append)

    def call(self, operation: str, argument=None, progress=None, **fences: int):
        call = p.Call(operation, argument or p.Nothing(), fences)
        return self.agent.execute(call, progress)

    # -- things to try -----------------------------------------------------------------

    def fresh_name(self) -> str:
        return f"cpt-{uuid.uuid4().hex[:8]}-{next(self._numbers)}"

    def disk_ref(self, name: str = "", image_format: str = "qcow2") -> p.DiskRef:
        return p.DiskRef(self.pool, name or self.fresh_name(), image_format)

    def volume(self, size: int = 64 * MIB, base: p.DiskRef | None = None) -> p.DiskRef:
        disk = self.disk_ref()
        self.call("volume.create", p.CreateVolume(disk, size, base))
        return disk

    def template(self) -> p.DiskRef:
        """A bootable base on the pool, installed once."""
        base = self.disk_ref("cpt-template")
        self.call("volume.install_template", p.InstallTemplate(self.image(), base))
        return base

    def image(self) -> p.StorePath:
        raise NotImplementedError

    def spec(self, *, bootable: bool = False, **changes) -> p.DomainSpec:
        """A machine; without ``bootable`` its disk is empty, so it never answers anything."""
        root = self.volume(GIB, self.template()) if bootable else self.volume()
        spec = p.DomainSpec(
            uuid=str(uuid.uuid4()),
            name=self.fresh_name(),
            vcpus=1,
            memory_mb=128,
            disks=(p.Disk(root, 0),),
        )
        return dataclasses.replace(spec, **changes)

    def deaf_spec(self) -> p.DomainSpec:
        """A guest that ignores the power button."""
        return self.spec()

    def started(self, spec: p.DomainSpec | None = None, **changes) -> p.DomainSpec:
        spec = spec or self.spec(**changes)
        self._started.append(spec.uuid)
        state = self.call("domain.start", p.StartDomain(spec))
        assert state.power == "PowerOn"
        return spec

    def booted(self) -> p.DomainSpec:
        """A guest whose system is up."""
        raise NotImplementedError

    def power(self, spec: p.DomainSpec) -> str:
        return self.call("domain.state", p.DomainRef(spec.uuid)).power

    def kill(self, spec: p.DomainSpec) -> None:
        """The guest dies behind the agent's back."""
        raise NotImplementedError

    def leftovers(self, spec: p.DomainSpec) -> list[str]:
        """What of a removed domain is still on the host."""
        raise NotImplementedError

    def wait_for(self, condition, seconds: float = 10.0, what: str = "the wanted state") -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"{what} was not reached within {seconds} s")
            time.sleep(0.02)

    def saw(self, spec: p.DomainSpec, power: str, reason: str = "") -> bool:
        return any(
            e.uuid == spec.uuid and e.power == power and reason in ("", e.reason)
            for e in list(self.events)
        )

    def clean_up(self) -> None:
        for domain in self._started:
            self.call("domain.remove", p.RemoveDomain(domain))


class FakeRig(Rig):
    def __init__(self, agent, world, host: str) -> None:
        super().__init__(
            agent, p.PoolRef(str(uuid.uuid4()), "Filesystem", "/pool"), p.StoreRef("s1", "/store")
        )
        self.world = world
        self.host = host

    def image(self) -> p.StorePath:
        path = p.StorePath(self.store, "template")
        self.world.ledger.put(
            "images", "/store", "template", p.ImageInfo(128 * MIB, 20 * MIB, "QCOW2", "")
        )
        return path

    def deaf_spec(self) -> p.DomainSpec:
        spec = self.spec()
        self.world.deaf_guests.add(spec.uuid)
        return spec

    def booted(self) -> p.DomainSpec:
        return self.started(bootable=True)

    def kill(self, spec: p.DomainSpec) -> None:
        self.world.kill_guest(self.host, spec.uuid)

    def leftovers(self, spec: p.DomainSpec) -> list[str]:
        return [spec.uuid] if self.world.domain(self.host, spec.uuid) else []
