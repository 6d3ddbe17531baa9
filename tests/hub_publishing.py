"""What tests of publishing to the Hub share: a stand-in of it, versions to bring there, and looks at what it holds."""

from dataset_cards.publish import hub
from dataset_cards.publish.hub import Published, hub_api
from dataset_cards.publish.hub_plan import Repository, repository
from dataset_cards.publish.package import Package
from tests.hub_server import HubServer

TARGET = repository("hf://org/pages", "documents")


def publish(package: Package, waits: list[float], target: Repository = TARGET, private: bool = False) -> Published:
    return hub.publish(hub_api(), target, package, private=private, wait=waits.append)


def contents(package: Package) -> dict[str, bytes]:
    return {item.path: package.read(item) for item in package.items}


def holds(server: HubServer, package: Package, revision: str | None = None) -> bool:
    there = server.files("org/pages", revision or package.version.version)
    return {path: data for path, data in there.items() if path != ".gitattributes"} == contents(package)
