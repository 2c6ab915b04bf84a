"""What CloudTrail recorded of calls of AWS's APIs, and what GuardDuty and Security Hub found."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.security.rules import Kind
from pipelines.gold.security.shape import attribute, evidence, first_word, inside, matches, shaped

# Versions that some services have in the names of their calls: AddPermission20150331v2, CreateDistribution2020_05_31.
_VERSION = r"(20\d{6}(v\d+)?|20\d\d_\d\d_\d\d)$"
_TYPES = {
    "root": "^root$", "user": "^(IAMUser|IdentityCenterUser|Directory)$", "role": "^(AssumedRole|Role)$",
    "federated": "^(FederatedUser|SAMLUser|WebIdentityUser)$", "service": "^(AWSService|AWSInternal)$",
    "account": "^AWSAccount$",
}  # fmt: skip
_TARGETS = (
    "userName", "roleName", "groupName", "policyArn", "groupId", "bucketName", "name", "trailName", "secretId", "keyId",
    "snapshotId", "instanceId", "dBInstanceIdentifier", "functionName", "accessKeyId", "serialNumber",
)  # fmt: skip
# A call that only asks whether it would be let: nothing was done. One that would not be let is refused as any other.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_DRY_RUN = r"\bDryRunOperation\b|\bDryRun flag is set"
_FINDINGS = r"^(GuardDuty Finding|Security Hub Findings.*|Inspector2 Finding|Macie Finding|.*Access Analyzer Finding)$"


def calls(events: DataFrame) -> DataFrame:
    """Rows of silver.events → calls in the common shape, but dry runs; `mfa` is yes or no where the record tells."""
    identity, request = attribute("userIdentity"), attribute("requestParameters")
    session_mfa = inside(identity, "sessionContext.attributes.mfaAuthenticated")
    mfa = F.lower(F.coalesce(inside(attribute("additionalEventData"), "MFAUsed"), session_mfa))
    service = F.regexp_replace(F.lower(attribute("eventSource")), r"\.(amazonaws|aws\.amazon)\.com.*$", "")
    bare = F.regexp_replace(F.col("action"), "^.*[:/]", "")
    is_dry_run = matches(F.col("reason"), _DRY_RUN) | matches(F.col("message"), _DRY_RUN)
    return shaped(
        events.where((F.col("source") == "aws.cloudtrail") & ~is_dry_run),
        Kind.AWS,
        F.regexp_replace(bare, _VERSION, ""),
        evidence(
            "eventSource", "requestParameters", "responseElements", "additionalEventData", "userAgent", "errorMessage",
            reason=F.col("reason"), message=F.col("message"), session_issuer=inside(
                identity, "sessionContext.sessionIssuer.arn"
            ), mfa=mfa,
        ),
        service=service,
        actor_type=actor_type(inside(identity, "type"), F.col("actor")),
        target=inside(request, *_TARGETS),
        mfa=first_word((mfa.isin("yes", "true"), "yes"), (mfa.isin("no", "false"), "no")),
        request=request,
    )  # fmt: skip


def actor_type(type_: Column, actor: Column) -> Column:
    """Old records have no type, but the root user is told by its ARN."""
    is_root = matches(actor, r"^arn:[\w-]*:iam::\d*:root$") & (type_.isNull() | matches(type_, "^root$"))
    by_type = first_word(*((matches(type_, pattern), word) for word, pattern in _TYPES.items()))
    return F.coalesce(first_word((is_root, "root")), by_type, F.lit("unknown"))


def guard_findings(events: DataFrame) -> DataFrame:
    """What AWS's own detectors found, which EventBridge brings."""
    detail_type = F.coalesce(attribute("detail-type"), F.col("action"))
    is_finding = matches(detail_type, _FINDINGS) | matches(F.col("action"), _FINDINGS)
    return shaped(
        events.where((F.col("source") == "aws.eventbridge") & is_finding),
        Kind.GUARD,
        F.lit("finding"),
        evidence(
            "detail.type", "detail.title", "detail.severity", "detail.description", "detail.service",
            message=F.col("message"),
        ),
        action=F.coalesce(attribute("detail.type", "detail.title"), F.col("action")),
        actor_type=F.lit("service"),
        target=attribute("detail.resource", "detail.resources"),
    )  # fmt: skip
