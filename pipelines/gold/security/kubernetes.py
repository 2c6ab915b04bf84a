"""What the API server of a cluster was asked for, from its audit log. AKS and EKS write it as log lines.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.gold.security.rules import Kind
from pipelines.gold.security.shape import attribute, evidence, first_word, inside, matches, shaped

_FAILED = r"^[45]\d\d$"


def audit_events(logs: DataFrame) -> DataFrame:
    """Rows of silver.logs that are audit events as JSON → the common shape: `verb resource/subresource`."""
    record = F.col("message")
    about = inside(record, "objectRef")
    resource = F.concat_ws("/", inside(about, "resource"), inside(about, "subresource"))
    name = F.concat_ws(
        " ", inside(record, "verb"), F.coalesce(F.nullif(resource, F.lit("")), inside(record, "requestURI"))
    )
    user = inside(record, "user.username")
    # A request is written down when it comes and again when it is answered.
    rows = logs.where(F.contains("message", F.lit("audit.k8s.io"))).where(
        F.coalesce(inside(record, "stage"), F.lit("")) != "RequestReceived"
    )
    code = inside(record, "responseStatus.code")
    namespace, what = inside(about, "namespace"), inside(about, "name")
    return shaped(
        rows,
        Kind.KUBERNETES,
        name,
        evidence(
            requestURI=inside(record, "requestURI"), userAgent=inside(record, "userAgent"), code=code,
            groups=inside(record, "user.groups"), request=inside(record, "requestObject"),
            why=inside(record, "annotations"), log=F.coalesce(attribute("logGroup"), F.col("logger")),
        ),
        service=F.lit("kubernetes"),
        action=name,
        actor=user,
        actor_type=F.coalesce(
            first_word(
                (matches(user, "^system:serviceaccount:"), "service"),
                (matches(user, "^system:(node|kube-)"), "machine"),
                (matches(user, "^system:anonymous$"), "anonymous"),
                (matches(user, "^system:"), "system"),
            ),
            F.lit("user"),
        ),
        target=F.nullif(F.concat_ws("/", namespace, what), F.lit("")),
        outcome=F.when(matches(code, _FAILED), "failure").when(code.isNotNull(), "success"),
        reason=F.when(matches(code, _FAILED), F.coalesce(inside(record, "responseStatus.reason"), code)),
        source_address=inside(record, "sourceIPs[0]"),
        request=F.coalesce(inside(record, "requestObject"), inside(record, "responseObject")),
        details=record,
        operation=inside(record, "auditID"),
    )  # fmt: skip
