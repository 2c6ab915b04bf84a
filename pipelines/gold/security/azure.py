"""What was done to Azure's resources, in its directory (Entra ID) and in its key vaults."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.security.rules import Kind
from pipelines.gold.security.shape import attribute, evidence, first_word, inside, matches, shaped

_ACTIVITY = ("azure.activity_log", "azure.log_analytics.azureactivity")
_SIGN_INS = (
    "signinlogs", "noninteractiveusersigninlogs", "serviceprincipalsigninlogs", "managedidentitysigninlogs",
    "adfssigninlogs", "aadnoninteractiveusersigninlogs", "aadserviceprincipalsigninlogs",
)  # fmt: skip
_AUDITS = ("auditlogs", "directoryauditlogs")
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def operations(events: DataFrame) -> DataFrame:
    """Rows of silver.events → operations in the common shape.

    An operation is written down when it starts, when it is accepted and when it ends: what is said last of its outcome
    stands for all.
    """
    details, identity = attribute("properties", "Properties", "Properties_d"), attribute("identity", "Identity")
    authorization = F.coalesce(inside(identity, "authorization"), attribute("authorization", "Authorization"))
    principal = inside(authorization, "evidence.principalType", "Evidence.principalType")
    rows = shaped(
        events.where(F.col("source").isin(*_ACTIVITY)),
        Kind.AZURE,
        F.col("action"),
        evidence(
            "resultType", "resultSignature", "correlationId", "CorrelationId", "ActivityStatusValue", "properties",
            "Properties", reason=F.col("reason"), message=F.col("message"),
            role=inside(authorization, "evidence.role", "Evidence.role"),
        ),
        service=F.lower(F.substring_index("action", "/", 1)),
        actor_type=_actor_type(principal),
        target=F.coalesce(inside(details, "entity", "resource"), "resource_id"),
        request=F.coalesce(inside(details, "requestbody", "requestBody", "responseBody", "responsebody"), details),
        operation=attribute("correlationId", "CorrelationId", "correlation_id"),
    )  # fmt: skip
    return rows.transform(_as_it_ended)


def _as_it_ended(rows: DataFrame) -> DataFrame:
    # Records without the id are operations of their own.
    same = Window.partitionBy(F.coalesce("operation", "event_id"), "name", F.lower("resource_id"))
    last = same.orderBy(F.col("outcome").isNull(), F.desc("event_time"), "event_id")
    request = F.max("request").over(same)
    numbered = rows.withColumns({"rank": F.row_number().over(last), "any_request": request})
    kept = numbered.where("rank = 1")
    return kept.withColumn("request", F.coalesce("request", "any_request")).drop("rank", "any_request")


def _actor_type(principal: Column) -> Column:
    actor = F.col("actor")
    return F.coalesce(
        first_word(
            (matches(principal, "^user"), "user"),
            (matches(principal, "^serviceprincipal"), "service"),
            (matches(principal, "^group"), "group"),
            (matches(actor, "@"), "user"),
            (matches(actor, _UUID), "service"),
        ),
        F.lit("unknown"),
    )


def directory(logs: DataFrame) -> DataFrame:
    """Rows of silver.logs → sign-ins (`sign-in`) and changes of the directory, in the common shape."""
    logger = F.lower("logger")
    rows = logs.where(logger.isin(*_SIGN_INS, *_AUDITS))
    is_sign_in = logger.isin(*_SIGN_INS)
    result = F.coalesce(attribute("resultType", "ResultType"), _told("status.errorCode", "Status.errorCode"))
    requirement = _told("authenticationRequirement", "AuthenticationRequirement")
    principal = _told("userPrincipalName", "UserPrincipalName", "servicePrincipalName", "ServicePrincipalName")
    initiator = _told(
        "initiatedBy.user.userPrincipalName", "InitiatedBy.user.userPrincipalName", "initiatedBy.app.displayName",
        "InitiatedBy.app.displayName", "initiatedBy.user.id", "initiatedBy.app.servicePrincipalId",
    )  # fmt: skip
    actor = F.coalesce(F.when(is_sign_in, principal).otherwise(initiator), attribute("identity", "Identity"))
    by_app = _told("initiatedBy.app", "InitiatedBy.app").isNotNull() | matches(logger, "serviceprincipal|managedid")
    audit_result = F.lower(F.coalesce(_told("result", "Result"), attribute("resultType", "ResultType")))
    outcome = F.when(is_sign_in, F.when(result == "0", "success").when(result.isNotNull(), "failure")).otherwise(
        first_word((matches(audit_result, "^(success|0$)"), "success"), (audit_result.isNotNull(), "failure"))
    )
    activity = F.coalesce(
        _told("activityDisplayName", "ActivityDisplayName"), attribute("operationName", "OperationName")
    )
    changed = _told("targetResources", "TargetResources")
    return shaped(
        rows,
        Kind.ENTRA,
        F.when(is_sign_in, "sign-in").otherwise(activity),
        evidence(
            "operationName", "resultDescription", correlation=attribute("correlationId", "CorrelationId"),
            result=result, message=F.col("message"), application=_told("appDisplayName", "AppDisplayName"),
            client=_told("clientAppUsed", "ClientAppUsed"), requirement=requirement, targets=changed,
            country=_told("location.countryOrRegion"), risk=_told("riskLevelDuringSignIn", "RiskLevelDuringSignIn"),
        ),
        service=F.lit("entra"),
        action=F.coalesce(activity, F.when(is_sign_in, "Sign-in activity")),
        actor=actor,
        actor_type=F.when(by_app, "service").otherwise("user"),
        target=F.coalesce(
            inside(changed, "$[0].userPrincipalName", "$[0].displayName", "$[0].id"),
            _told("appDisplayName", "AppDisplayName"),
        ),
        outcome=outcome,
        reason=F.when(outcome == "failure", result),
        source_address=F.coalesce(
            attribute("callerIpAddress", "CallerIpAddress", "IPAddress"),
            _told("ipAddress", "IPAddress", "initiatedBy.user.ipAddress"),
        ),
        provider=F.lit("azure"),
        account=F.coalesce("cloud_account_id", attribute("tenantId", "TenantId", "AADTenantId")),
        mfa=first_word(
            (matches(requirement, "multi"), "yes"), (matches(requirement, "single") & (logger == "signinlogs"), "no")
        ),
        request=changed,
    )  # fmt: skip


def _told(*paths: str) -> Column:
    """A member of the record's details: attributes `properties.<name>` where silver.logs found a sentence, the message
    where it found none, or columns of a row of Log Analytics."""

    def of(path: str) -> Column:
        name, _, rest = path.partition(".")
        text = attribute(f"properties.{name}", name)
        return F.coalesce(inside(text, rest) if rest else text, inside(F.col("message"), path))

    return F.coalesce(*map(of, paths))


def vaults(logs: DataFrame) -> DataFrame:
    """Rows of silver.logs → operations on the keys and secrets of a vault, in the common shape."""
    rows = logs.where(
        (F.col("source") == "azure.resource_logs")
        & (F.lower("logger") == "auditevent")
        & F.contains("resource_id", F.lit("microsoft.keyvault"))
    )
    claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
    identity = attribute("identity")
    status = F.coalesce(_told("httpStatusCode"), attribute("resultSignature"))
    is_failure = matches(status, r"\b[45]\d\d\b|unauthorized|forbidden") | matches(attribute("resultType"), "fail")
    return shaped(
        rows,
        Kind.KEY_VAULT,
        attribute("operationName", "OperationName"),
        evidence("resultType", "resultSignature", "requestUri", "message", uri=_told("requestUri", "id")),
        action=attribute("operationName", "OperationName"),
        service=F.lit("microsoft.keyvault"),
        actor=F.coalesce(inside(identity, f"claim['{claim}']", "claim.upn", "claim.appid", "claim.oid"), identity),
        actor_type=F.when(F.contains(identity, F.lit("upn")), "user").otherwise("service"),
        target=_told("id", "requestUri"),
        outcome=F.when(is_failure, "failure").otherwise("success"),
        reason=F.when(is_failure, status),
        source_address=F.coalesce(attribute("callerIpAddress"), _told("clientIp")),
    )
