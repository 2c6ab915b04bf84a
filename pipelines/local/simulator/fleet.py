"""The estate: which machines there are, where they stand and what they report.

Machine number n of a kind is the same one whatever the size of the fleet, so a larger run extends a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from pipelines.local.simulator import cloudwatch_metrics, exporter_metrics, gateway_metrics, perf_counters
from pipelines.local.simulator.config import FleetSize
from pipelines.local.simulator.metric import Metric


class Kind(StrEnum):
    ARC = "arc"
    AZURE_VM = "azure_vm"
    EC2 = "ec2"
    RDS = "rds"
    ALB = "alb"
    NODE = "node"
    GATEWAY = "gateway"


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where a machine's users are: their day is its day."""

    country: str
    latitude: float
    longitude: float
    utc_offset_hours: float


SITES = (
    Site(country="Netherlands", latitude=52.37, longitude=4.9, utc_offset_hours=1),
    Site(country="Germany", latitude=50.11, longitude=8.68, utc_offset_hours=1),
    Site(country="Ireland", latitude=53.35, longitude=-6.26, utc_offset_hours=0),
    Site(country="United States", latitude=39.04, longitude=-77.49, utc_offset_hours=-5),
)
REGIONS = ("eu-west-1", "eu-central-1", "us-east-1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A machine, database, load balancer or node, and the identity its telemetry carries."""

    kind: Kind
    number: int
    name: str
    resource_id: str
    site: Site
    metrics: tuple[Metric, ...]
    account: str
    """Azure subscription, AWS account, Kubernetes cluster or plant."""
    region: str = ""
    windows: bool = False
    address: str = ""

    @property
    def position(self) -> float:
        """When within an interval it reports, 0 to 1: the golden ratio spreads any number of hosts evenly."""
        return (self.number * 0.6180339887498949) % 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    tenant: str
    machines: tuple[Host, ...]
    """Arc machines and Azure VMs: heartbeats and Perf."""
    aws: tuple[Host, ...]
    nodes: tuple[Host, ...]
    gateways: tuple[Host, ...]
    """Edge gateways with our own agent: heartbeats and metrics in Avro."""

    def items_per_interval(self, scrapes: int) -> int:
        """Items sent in one interval, in which each node is scraped `scrapes` times."""
        machines = sum(1 + len(host.metrics) for host in (*self.machines, *self.gateways))
        return machines + sum(len(host.metrics) for host in self.aws) + scrapes * sum(
            len(host.metrics) for host in self.nodes
        )  # fmt: skip


def identity(seed: int, *parts: object) -> UUID:
    """A made-up but stable UUID."""
    return uuid5(NAMESPACE_URL, f"simulated:{seed}:" + ":".join(map(str, parts)))


def build_fleet(size: FleetSize, seed: int, gateways: int) -> Fleet:
    """The estate of this size; the seed only changes ids, so that two estates can be told apart."""
    return Fleet(
        tenant=str(identity(seed, "workspace")),
        machines=_several(size.arc, _arc, seed) + _several(size.azure, _azure_vm, seed),
        aws=_several(size.aws, _ec2, seed)
        + _several(-(-size.aws // 8), _rds, seed)
        + _several(-(-size.aws // 10), _alb, seed),
        nodes=_several(size.kubernetes, _node, seed),
        gateways=_several(gateways, _gateway, seed),
    )


def _several(count: int, build: Callable[[int, int], Host], seed: int) -> tuple[Host, ...]:
    return tuple(build(number, seed) for number in range(1, count + 1))


def _site(number: int) -> Site:
    return SITES[(number * 7 + number // 5) % len(SITES)]


def _arc(number: int, seed: int) -> Host:
    windows = number % 5 in (2, 4)
    name = f"srv-{'win' if windows else 'lin'}-{number:04d}"
    subscription = str(identity(seed, "subscription", number % 3))
    group = f"rg-arc-{('prod', 'plant', 'branch')[number % 3]}"
    return Host(
        kind=Kind.ARC,
        number=number,
        name=name,
        resource_id=_azure_id(subscription, group, "microsoft.hybridcompute/machines", name),
        site=_site(number),
        metrics=perf_counters.WINDOWS if windows else perf_counters.LINUX,
        account=subscription,
        region="westeurope",
        windows=windows,
        address=f"10.{20 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}",
    )


def _azure_vm(number: int, seed: int) -> Host:
    windows = number % 3 == 0
    name = f"vm-{'app' if number % 2 else 'sql'}-{number:04d}"
    subscription = str(identity(seed, "subscription", "cloud", number % 2))
    return Host(
        kind=Kind.AZURE_VM,
        number=number,
        name=name,
        resource_id=_azure_id(subscription, "rg-workloads", "microsoft.compute/virtualmachines", name),
        site=_site(number + 1),
        metrics=perf_counters.WINDOWS if windows else perf_counters.LINUX,
        account=subscription,
        region="westeurope",
        windows=windows,
        address=f"10.{60 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}",
    )


def _azure_id(subscription: str, group: str, resource_type: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{resource_type}/{name}"


def _aws(kind: Kind, number: int, seed: int, name: str, arn: str, metrics: tuple[Metric, ...]) -> Host:
    account = str(100_000_000_000 + identity(seed, "account", number % 3).int % 900_000_000_000)
    region = REGIONS[number % len(REGIONS)]
    service, kind_path = arn.split(" ")
    return Host(
        kind=kind,
        number=number,
        name=name,
        resource_id=f"arn:aws:{service}:{region}:{account}:{kind_path}{name}",
        site=SITES[3] if region == "us-east-1" else SITES[number % 3],
        metrics=metrics,
        account=account,
        region=region,
    )


def _ec2(number: int, seed: int) -> Host:
    name = f"i-0{identity(seed, 'ec2', number).hex[:16]}"
    return _aws(Kind.EC2, number, seed, name, "ec2 instance/", cloudwatch_metrics.EC2)


def _rds(number: int, seed: int) -> Host:
    return _aws(Kind.RDS, number, seed, f"orders-db-{number:03d}", "rds db:", cloudwatch_metrics.RDS)


def _alb(number: int, seed: int) -> Host:
    name = f"app/web-{number:03d}/{identity(seed, 'alb', number).hex[:16]}"
    return _aws(Kind.ALB, number, seed, name, "elasticloadbalancing loadbalancer/", cloudwatch_metrics.ALB)


def _node(number: int, seed: int) -> Host:
    address = f"10.{100 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
    cluster = f"k8s-{('blue', 'green')[number % 2]}"
    return Host(
        kind=Kind.NODE,
        number=number,
        name=f"node-{number:04d}-{identity(seed, 'node', number).hex[:5]}",
        resource_id=f"{address}:9100",
        site=_site(number),
        metrics=exporter_metrics.NODE,
        account=cluster,
        address=address,
    )


def _gateway(number: int, seed: int) -> Host:
    plant = f"plant-{number % 4 + 1}"
    name = f"gw-{number:04d}-{identity(seed, 'gateway', number).hex[:5]}"
    return Host(
        kind=Kind.GATEWAY,
        number=number,
        name=name,
        resource_id=f"{name}.{plant}.edge",
        site=_site(number + 2),
        metrics=gateway_metrics.GATEWAY,
        account=plant,
        address=f"10.{140 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}",
    )
