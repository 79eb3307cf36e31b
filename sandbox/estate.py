"""Invented organisations, the same one for the same seed: APIs, differences and noise."""

import copy
from random import Random

from sandbox import estate_policies as catalogue
from sandbox.estate_model import Api, Contract, Environment, Estate, Instance, Tier, uuid

ENVIRONMENTS = (
    ("Development", "sandbox", "dev"),
    ("Test", "sandbox", "test"),
    ("Production", "production", "prod"),
    ("Staging", "sandbox", "stg"),
    ("UAT", "sandbox", "uat"),
    ("QA", "sandbox", "qa"),
    ("Sandbox", "sandbox", "sbx"),
    ("DR", "production", "dr"),
)
"""The first ones are taken; production stands last among those taken."""

SUBJECTS = [
    "Orders",
    "Customers",
    "Payments",
    "Invoices",
    "Inventory",
    "Products",
    "Pricing",
    "Shipping",
    "Returns",
    "Loyalty",
    "Accounts",
    "Contracts",
    "Suppliers",
    "Warehouses",
    "Catalogue",
    "Reviews",
    "Promotions",
    "Refunds",
    "Claims",
    "Employees",
    "Payroll",
    "Benefits",
    "Locations",
    "Stores",
    "Carriers",
    "Tracking",
    "Quotes",
    "Leads",
    "Campaigns",
    "Subscriptions",
    "Ledger",
    "Taxes",
    "Currencies",
    "Notifications",
    "Documents",
    "Identities",
    "Consents",
    "Devices",
    "Telemetry",
    "Schedules",
]
LAYERS = ("Experience", "Process", "System")
REGIONS = ("", "EU ", "US ", "APAC ", "LATAM ")
APPLICATIONS = [
    "mobile-storefront",
    "web-checkout",
    "partner-portal",
    "crm-sync",
    "warehouse-robot",
    "billing-batch",
    "loyalty-app",
    "analytics-feed",
    "call-centre",
    "kiosk",
    "field-service",
    "supplier-hub",
    "fraud-watch",
    "newsletter",
    "store-locator",
]
TIERS = (
    Tier("Bronze", [(100, 60_000)]),
    Tier("Silver", [(500, 60_000)]),
    Tier("Gold", [(1000, 60_000), (40_000, 3_600_000)]),
    Tier("Trial", [(10, 60_000)]),
)
FIRST_INSTANCE_ID = 19_300_001


def build(seed: int = 1, apis: int = 50, environments: int = 3) -> Estate:
    """Return an organisation of so many APIs and environments."""
    rng = Random(seed)
    estate = _organization(rng, environments)
    names = [
        f"{region}{subject} {layer} API"
        for region in REGIONS
        for subject in SUBJECTS
        for layer in LAYERS
    ]
    for place, name in enumerate(rng.sample(names[: max(120, apis)], apis)):
        estate.apis.append(_api(estate, name, place, rng))
    _give_ids(estate)
    return estate


def _organization(rng: Random, environments: int) -> Estate:
    master, logistics = uuid(rng), uuid(rng)
    chosen = sorted(ENVIRONMENTS[:environments], key=lambda item: item[1] == "production")
    return Estate(
        organization_id=master,
        organization_name="Northwind Trading",
        groups={master: "Northwind Trading", logistics: "Northwind Logistics"},
        environments=[Environment(uuid(rng), *item) for item in chosen],
        client_id=uuid(rng).replace("-", ""),
        client_secret=uuid(rng).replace("-", ""),
    )


def _api(estate: Estate, name: str, place: int, rng: Random) -> Api:
    group_id = list(estate.groups)[rng.random() < 0.3]
    asset_id = name.lower().replace(" ", "-")
    template = _template(estate, catalogue.ARCHETYPES[place % len(catalogue.ARCHETYPES)], rng)
    api = Api(name, group_id, asset_id)
    for environment in estate.environments:
        instance = copy.deepcopy(template)
        instance.environment_id = environment.id
        instance.label = f"{asset_id.removesuffix('-api')}-v1-{environment.token}"
        api.instances.append(instance)
    return api


def _template(estate: Estate, names: tuple[str, ...], rng: Random) -> Instance:
    made = Instance("", None, asset_version=f"1.{rng.randrange(6)}.{rng.randrange(9)}")
    made.policies = catalogue.numbered(
        [catalogue.policy(name, estate.organization_id, rng) for name in names]
    )
    if made.has("rate-limiting-sla-based"):
        made.tiers = copy.deepcopy(list(TIERS))
    granted = [tier.name for tier in made.tiers if tier.name != "Trial"]
    for name in rng.sample(APPLICATIONS, rng.randrange(len(APPLICATIONS) + 1)):
        tier = rng.choice(granted) if granted else None
        made.contracts.append(Contract(name, 2_690_000 + APPLICATIONS.index(name), tier))
    return made


def _give_ids(estate: Estate) -> None:
    instances = [item for api in estate.apis for item in api.instances]
    for place, item in enumerate(instances):
        item.instance_id = FIRST_INSTANCE_ID + place
