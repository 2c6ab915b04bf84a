"""One root for every error we raise on purpose. A message names what is at fault, and the remedy."""


class LakehouseError(Exception):
    """Root of all errors of this project; the command line prints its message alone and exits with 1."""


class SettingsError(LakehouseError):
    """A setting is missing, unknown or out of range."""


class ContractError(LakehouseError):
    """A table contract cannot be read, or the table on disk contradicts it."""


class ArtifactError(LakehouseError):
    """A jar or archive could not be fetched, or is not the one that was locked."""


class ServiceError(LakehouseError):
    """An embedded or outside service (broker, registry, Java) is missing, unreachable or refused to start."""


class TopicError(LakehouseError):
    """No Kafka topic matches what a job should read."""


class SendError(LakehouseError):
    """A file cannot be sent to Kafka: it cannot be read or cut, or the broker does not take it."""


class StorageError(LakehouseError):
    """A table, checkpoint or folder cannot be read or written."""


class StreamError(LakehouseError):
    """A streaming query ended with an error."""


class QualityError(LakehouseError):
    """Rows break a rule that stops the stream, or a check cannot be run."""


class QueryError(LakehouseError):
    """An analyst's SQL cannot be answered."""


class ModelError(LakehouseError):
    """A model cannot be trained, read, or used with this release."""


class EvaluationError(LakehouseError):
    """A history that a detector should be evaluated on cannot be read."""


class DeliveryError(LakehouseError):
    """A receiver of alerts cannot be reached, or refuses what it is sent."""


class AlertRuleError(LakehouseError):
    """An alert rule, a signal, or a test of a rule cannot be read, or its SQL cannot be run."""
