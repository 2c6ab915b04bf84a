from pipelines.operations import dictionary
from pipelines.rules import Action, NullRate, RowRule, Severity
from pipelines.tables import Column, Table, all_contracts

TABLE = Table(
    layer="silver",
    name="things",
    question="Which things?",
    grain="One thing",
    columns=(Column("name", "string", "A | B", True, None), Column("age", "double", "How old", False, "s")),
    keys=("name",),
    cluster_by=(),
    retention_days=90,
    properties=(),
    rules=(RowRule("no_name", "name IS NOT NULL", "it has no name", Action.WARN, Severity.WARNING),),
    checks=(NullRate("aged", "too many have no age", Severity.CRITICAL, column="age", at_most=0.5),),
    time_column=None,
)


def test_the_committed_page_is_current() -> None:
    assert dictionary.is_current(), "run `make docs` after changing a contract"


def test_a_section_tells_all_that_the_contract_does() -> None:
    page = dictionary.render((TABLE,))

    for line in (
        "| [silver.things](#silverthings) | Which things? |",
        "- **Grain**: One thing",
        "- **Key**: `name`",
        "- **Clustered by**: nothing",
        "- **Kept for**: 90 days",
        "| `name` | `string` | no | A \\| B |",
        "| `age` | `double` | yes | How old [s] |",
        "| `no_name` | warn | it has no name | `name IS NOT NULL` |",
        "| `aged` | null rate | critical | too many have no age | column `age`, at most `0.5` |",
    ):
        assert line in page.splitlines()


def test_every_column_is_explained() -> None:
    bare = [
        f"{table.full_name}.{column.name}"
        for table in all_contracts()
        for column in table.columns
        if not column.comment
    ]

    assert not bare
