"""The description of the API is generated, and served to nobody."""

from app.web.assembly import bare_app, install_web
from tests.web.product import Product
from tests.web.small import World, services


def test_the_description_names_every_parameter_and_shape():
    app = bare_app()
    install_web(app, services(World()))
    described = app.openapi()
    posture = described["paths"]["/api/spaces/{space_id}/posture"]["get"]
    names = [parameter["name"] for parameter in posture["parameters"]]
    assert names[0] == "space_id"
    assert {"search", "environment", "group", "verdict", "sort", "page", "size"} <= set(names)
    finding = described["components"]["schemas"]["FindingAnswer"]["properties"]
    assert {"fingerprint", "kind", "values", "sentence"} <= set(finding)


async def test_it_is_not_served(product: Product):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await product.http.get(path)).status_code == 404
