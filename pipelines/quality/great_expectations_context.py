"""Great Expectations' own context for `lakehouse check`: results and Data Docs below `<root>/_quality`, no network.

Suites and their runs are made anew from the contracts each time, so nothing but results is stored.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig
from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier
from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame

from pipelines.settings import Settings

_SITE = "data_docs"


@dataclass(frozen=True)
class Validator:
    """Runs suites as one run, `run_id`, which Data Docs and the kept results are filed under."""

    context: AbstractDataContext
    source: SparkDatasource
    run_id: str
    docs: Path

    @classmethod
    def of(cls, settings: Settings, run_id: str) -> Validator:
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        context = gx.get_context(project_config=_config(settings.quality_dir), mode="ephemeral")
        return cls(
            context, context.data_sources.add_spark("lakehouse"), run_id, settings.quality_dir / _SITE / "index.html"
        )

    def validate(self, name: str, rows: DataFrame, expectations: list[Expectation]) -> ExpectationSuiteValidationResult:
        """The results of `expectations` of `rows`, in their order of ids. `name` is that of the suite, once a run."""
        asset = self.source.add_dataframe_asset(name)
        suite = self.context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
        definition = self.context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=asset.add_batch_definition_whole_dataframe("window"), suite=suite)
        )
        run = RunIdentifier(run_name=self.run_id, run_time=datetime.now(UTC))
        return definition.run(batch_parameters={"dataframe": rows}, result_format="BASIC", run_id=run)

    def build_docs(self) -> None:
        """The pages of this run, and the index of all runs."""
        store = self.context.validation_results_store
        kept = [key for key in store.list_keys() if isinstance(key, ValidationResultIdentifier)]
        self.context.build_data_docs(resource_identifiers=[key for key in kept if key.run_id.run_name == self.run_id])


def _config(folder: Path) -> DataContextConfig:
    def in_memory(kind: str) -> dict[str, object]:
        return {"class_name": kind, "store_backend": {"class_name": "InMemoryStoreBackend"}}

    def on_disk(name: str) -> dict[str, object]:
        return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder / name)}

    return DataContextConfig(
        stores={
            "expectations_store": in_memory("ExpectationsStore"),
            "checkpoint_store": in_memory("CheckpointStore"),
            "validation_definition_store": in_memory("ValidationDefinitionStore"),
            "validation_results_store": {"class_name": "ValidationResultsStore", "store_backend": on_disk("results")},
        },
        expectations_store_name="expectations_store",
        checkpoint_store_name="checkpoint_store",
        validation_results_store_name="validation_results_store",
        data_docs_sites={
            _SITE: {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": on_disk(_SITE),
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            }
        },
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
