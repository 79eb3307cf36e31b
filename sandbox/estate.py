"""Invented organisations, the same one for the same seed: APIs, differences and noise."""

import copy
from random import Random

from sandbox import estate_plan
from sandbox import estate_policies as catalogue
from sandbox.estate_case import TIERS, Case, application_id
from sandbox.estate_model import Api, Contract, Environment, Estate, Instance, Policy, uuid
from sandbox.estate_noise import disturb

ENVIRONMENTS = (
    ("Production", "production", "prod"),
    ("Development", "sandbox", "dev"),
    ("Test", "sandbox", "test"),
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
DIVISIONS = (
    "Retail",
    "Wholesale",
    "Grocery",
    "Fashion",
    "Electronics",
    "Furniture",
    "Pharmacy",
    "Travel",
    "Insurance",
    "Banking",
    "Energy",
    "Media",
    "Telecom",
    "Automotive",
    "Marine",
    "Rail",
    "Air",
    "Franchise",
    "Marketplace",
)
"""In front of the subject where an organisation is so large that each division has its own."""
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
FIRST_INSTANCE_ID = 19_300_001
MOST_APIS = (1 + len(DIVISIONS)) * len(REGIONS) * len(SUBJECTS) * len(LAYERS)
ENOUGH_FOR_SPECIALS = 12
FEW_NAMES = 120
LONG_LIST_APIS = 105


def build(seed: int = 1, apis: int = 50, environments: int = 3, *, paging: bool = False) -> Estate:
    """Return an organisation of so many APIs and environments.

    With `paging` every list is longer than a page, of which the last one matters.
    """
    rng = Random(seed)
    estate = _organization(rng, environments)
    count = max(apis, LONG_LIST_APIS) if paging else apis
    if count > MOST_APIS:
        raise ValueError(f"there are names for {MOST_APIS} APIs, not for {count}")
    for place, name in enumerate(rng.sample(_names()[: max(FEW_NAMES, count)], count)):
        estate.apis.append(_api(estate, name, place, rng))
    if apis >= ENOUGH_FOR_SPECIALS:
        _share_an_asset_id(estate)
    if environments > 1:
        estate_plan.plant(estate, rng)
    if paging and environments > 1:
        estate_plan.plant_long_lists(estate, estate.apis[-1])
    estate_plan.plant_automated(estate, rng)
    if apis >= ENOUGH_FOR_SPECIALS:
        _add_legacy(estate, rng)
    disturb(estate, rng)
    _give_ids(estate)
    return estate


def _names() -> list[str]:
    return [
        f"{region}{division}{subject} {layer} API"
        for division in ("", *(f"{name} " for name in DIVISIONS))
        for region in REGIONS
        for subject in SUBJECTS
        for layer in LAYERS
    ]


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
    made.technology = "flexGateway" if rng.random() < 0.1 else "mule4"
    made.policies = catalogue.numbered(
        [catalogue.policy(name, estate.organization_id, rng) for name in names]
    )
    if made.has("rate-limiting-sla-based"):
        made.tiers = copy.deepcopy(list(TIERS))
    granted = [tier.name for tier in made.tiers if tier.name != "Trial"]
    for name in rng.sample(APPLICATIONS, rng.randrange(len(APPLICATIONS) + 1)):
        tier = rng.choice(granted) if granted else None
        made.contracts.append(Contract(name, application_id(name), tier))
    return made


def _share_an_asset_id(estate: Estate) -> None:
    """Let two APIs of different groups have the same name and asset id: they are two rows."""
    one, other = estate.apis[:2]
    one.group_id, other.group_id = list(estate.groups)
    other.name, other.asset_id = one.name, one.asset_id


def _add_legacy(estate: Estate, rng: Random) -> None:
    """Add two APIs of Mule 3, without Exchange coordinates: only their names identify them."""
    for name, limit in (("Legacy Billing", 300), ("Legacy Fulfilment", 400)):
        api = Api(name, None, None)
        for environment in estate.environments:
            api.instances.append(_legacy_instance(environment, name, limit, rng))
        estate.apis.append(api)
    odd = estate.apis[-1].instances[-1]
    odd.name = f" {odd.name} ".upper()
    if len(estate.environments) < 2:
        return
    billing = estate.apis[-2]
    case = Case(estate, billing, estate.environments[0].id, rng)
    limits = case.here.policy("rate-limiting").configuration["rateLimits"]
    limits[0]["maximumRequests"] = 30
    case.found("policy_config", "rate-limiting", "rateLimits[60000]")


def _legacy_instance(environment: Environment, name: str, limit: int, rng: Random) -> Instance:
    made = Instance(environment.id, None, None, None, technology="mule3", name=name)
    client = copy.deepcopy(catalogue.CLIENT)
    limits = [{"maximumRequests": limit, "timePeriodInMilliseconds": 60_000}]
    bound = {"apiId": str(rng.randrange(10**6)), "isRamlEndpoint": True, "order": 1}
    made.policies = catalogue.numbered(
        [
            Policy("client-id-enforcement", client, "", group_id=None),
            Policy("rate-limiting", {"rateLimits": limits, **bound}, "", group_id=None),
        ]
    )
    return made


def _give_ids(estate: Estate) -> None:
    instances = [item for api in estate.apis for item in api.instances]
    for place, item in enumerate(instances):
        item.instance_id = FIRST_INSTANCE_ID + place
