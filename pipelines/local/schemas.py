"""The schemas of this storage root's registry, embedded or outside, for the streams that decode Avro."""

from __future__ import annotations

from pipelines.local import services
from pipelines.schema_registry import RegisteredSchemas
from pipelines.settings import Settings


def schemas_of(settings: Settings) -> RegisteredSchemas:
    """Looks for the registry at each need: an embedded one may be started after the streams."""
    return RegisteredSchemas(lambda: services.registry_url_if_any(settings))
