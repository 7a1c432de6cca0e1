"""The subgraph that the federation suite asks: its products.graphql, over data that its tests name."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import strawberry
from strawberry.federation.schema_directive import schema_directive
from strawberry.federation.schema_directives import Override
from strawberry.schema_directive import Location

from schema.entities import Reference, Schema
from tests.conformance.products.tracing import Traced


@schema_directive(
    name="custom", locations=[Location.OBJECT], compose=True, import_url="https://myspecs.dev/myCustomDirective/v1.0"
)
class Custom: ...


@strawberry.type
class ProductVariation:
    id: strawberry.ID


@strawberry.type
class CaseStudy:
    case_number: strawberry.ID
    description: str | None = None


@strawberry.federation.type(keys=["study { caseNumber }"])
class ProductResearch:
    study: CaseStudy
    outcome: str | None = None


@strawberry.federation.type(shareable=True)
class ProductDimension:
    size: str | None = None
    weight: float | None = None
    unit: str | None = strawberry.federation.field(default=None, inaccessible=True)


@strawberry.federation.type(keys=["email"], extend=True)
class User:
    email: strawberry.ID = strawberry.federation.field(external=True)
    name: str | None = strawberry.federation.field(
        default=None, directives=[Override(override_from="users", label=strawberry.UNSET)]
    )
    total_products_created: int | None = strawberry.federation.field(default=None, external=True)
    years_of_employment: int = strawberry.federation.field(default=0, external=True)

    @strawberry.federation.field(requires=["totalProductsCreated", "yearsOfEmployment"])
    def average_products_created_per_year(self) -> int | None:
        if self.total_products_created is None or not self.years_of_employment:
            return None
        return round(self.total_products_created / self.years_of_employment)

    @classmethod
    def of(cls, reference: Reference) -> Self | None:
        if reference.get("email") != JANE:
            return None
        created, years = reference.get("totalProductsCreated"), reference.get("yearsOfEmployment")
        return cls(
            email=strawberry.ID(JANE),
            name="Jane Smith",
            total_products_created=created if isinstance(created, int) else 1337,
            years_of_employment=years if isinstance(years, int) else 10,
        )


@strawberry.federation.type(keys=["sku package"])
class DeprecatedProduct:
    sku: str
    package: str
    reason: str | None = None
    created_by: User | None = None


@strawberry.federation.type(keys=["id", "sku package", "sku variation { id }"], directives=[Custom()])
class Product:
    id: strawberry.ID
    sku: str | None = None
    package: str | None = None
    variation: ProductVariation | None = None
    dimensions: ProductDimension | None = None
    created_by: User | None = strawberry.federation.field(default=None, provides=["totalProductsCreated"])
    notes: str | None = strawberry.federation.field(default=None, tags=["internal"])
    research: list[ProductResearch] = strawberry.field(default_factory=list)


@strawberry.federation.interface_object(keys=["id"])
class Inventory:
    id: strawberry.ID
    deprecated_products: list[DeprecatedProduct]


JANE = "support@apollographql.com"
USER = User.of({"email": JANE})
STUDIES = [
    ProductResearch(study=CaseStudy(case_number=strawberry.ID(number), description=f"{name} Study"))
    for number, name in (("1234", "Federation"), ("1235", "Studio"))
]
PRODUCTS = [
    Product(
        id=strawberry.ID(f"apollo-{name}"),
        sku=name,
        package=package,
        variation=ProductVariation(id=strawberry.ID(variation)),
        dimensions=ProductDimension(size="small", weight=1, unit="kg"),
        created_by=USER,
        research=[study],
    )
    for name, package, variation, study in (
        ("federation", "@apollo/federation", "OSS", STUDIES[0]),
        ("studio", "", "platform", STUDIES[1]),
    )
]
OLD = DeprecatedProduct(
    sku="apollo-federation-v1", package="@apollo/federation-v1", reason="Migrate to Federation V2", created_by=USER
)
INVENTORY = Inventory(id=strawberry.ID("apollo-oss"), deprecated_products=[OLD])


def _product(reference: Reference) -> Product | None:
    """By any of its keys."""
    for each in PRODUCTS:
        match reference:
            case {"id": id_}:
                found = id_ == each.id
            case {"sku": sku, "package": package}:
                found = (sku, package) == (each.sku, each.package)
            case {"sku": sku, "variation": {"id": id_}}:
                found = each.variation is not None and (sku, id_) == (each.sku, each.variation.id)
            case _:
                found = False
        if found:
            return each
    return None


def _research(reference: Reference) -> ProductResearch | None:
    return next((each for each in STUDIES if reference.get("study") == {"caseNumber": each.study.case_number}), None)


def _old(reference: Reference) -> DeprecatedProduct | None:
    return OLD if (reference.get("sku"), reference.get("package")) == (OLD.sku, OLD.package) else None


_KINDS: Mapping[str, Any] = {
    "Product": _product,
    "ProductResearch": _research,
    "DeprecatedProduct": _old,
    "User": User.of,
    "Inventory": lambda reference: INVENTORY if reference.get("id") == INVENTORY.id else None,
}


async def _found(info: Any, wanted: Mapping[str, Sequence[Reference]]) -> Mapping[str, Sequence[object | None]]:
    return {kind: [_KINDS[kind](each) for each in those] for kind, those in wanted.items()}


@strawberry.type
class Query:
    @strawberry.field
    def product(self, id: strawberry.ID) -> Product | None:  # noqa: A002 - the suite's name
        return _product({"id": id})

    @strawberry.field(deprecation_reason="Use product query instead")
    def deprecated_product(self, sku: str, package: str) -> DeprecatedProduct | None:
        return _old({"sku": sku, "package": package})


schema = Schema(
    entities=frozenset(_KINDS),
    found=_found,
    query=Query,
    types=[Product, ProductResearch, DeprecatedProduct, User, Inventory],
    extensions=[Traced],
    federation_version="2.3",
)
