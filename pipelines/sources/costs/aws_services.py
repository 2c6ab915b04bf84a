"""AWS's codes of services → their names, and FOCUS's category of each. What is not here keeps its code, and is `Other`.

Categories: https://focus.finops.org/focus-specification/v1-2/#service-category.
"""

from __future__ import annotations

_BY_CATEGORY = {
    "AI and Machine Learning": {
        "AmazonBedrock": "Amazon Bedrock", "AmazonSageMaker": "Amazon SageMaker", "comprehend": "Amazon Comprehend",
        "AmazonRekognition": "Amazon Rekognition", "AmazonTextract": "Amazon Textract",
        "transcribe": "Amazon Transcribe",
    },
    "Analytics": {
        "AmazonAthena": "Amazon Athena", "AmazonKinesis": "Amazon Kinesis",
        "AmazonKinesisFirehose": "Amazon Data Firehose",
        "AmazonQuickSight": "Amazon QuickSight", "AWSGlue": "AWS Glue", "ElasticMapReduce": "Amazon EMR",
        "AmazonES": "Amazon OpenSearch Service", "AmazonMSK": "Amazon Managed Streaming for Apache Kafka",
    },
    "Compute": {
        "AmazonEC2": "Amazon Elastic Compute Cloud", "AWSLambda": "AWS Lambda",
        "AmazonECS": "Amazon Elastic Container Service",
        "AmazonEKS": "Amazon Elastic Kubernetes Service", "AmazonLightsail": "Amazon Lightsail",
        "AWSBatch": "AWS Batch",
        "AmazonECR": "Amazon Elastic Container Registry", "AmazonECRPublic": "Amazon Elastic Container Registry Public",
        "ComputeSavingsPlans": "Savings Plans for Compute usage", "AWSElasticBeanstalk": "AWS Elastic Beanstalk",
    },
    "Databases": {
        "AmazonRDS": "Amazon Relational Database Service", "AmazonDynamoDB": "Amazon DynamoDB",
        "AmazonElastiCache": "Amazon ElastiCache", "AmazonRedshift": "Amazon Redshift",
        "AmazonDocDB": "Amazon DocumentDB",
        "AmazonNeptune": "Amazon Neptune", "AmazonMemoryDB": "Amazon MemoryDB",
        "AWSDatabaseMigrationSvc": "AWS Database Migration Service",
    },
    "Developer Tools": {
        "CodeBuild": "AWS CodeBuild", "AWSCodePipeline": "AWS CodePipeline", "AWSCodeArtifact": "AWS CodeArtifact",
        "AWSXRay": "AWS X-Ray",
    },
    "Identity": {"AmazonCognito": "Amazon Cognito", "AWSDirectoryService": "AWS Directory Service"},
    "Integration": {
        "AWSQueueService": "Amazon Simple Queue Service", "AmazonSNS": "Amazon Simple Notification Service",
        "AWSEvents": "Amazon EventBridge", "AmazonStates": "AWS Step Functions",
        "AmazonApiGateway": "Amazon API Gateway",
        "AmazonMQ": "Amazon MQ", "AmazonSES": "Amazon Simple Email Service", "AWSAppSync": "AWS AppSync",
    },
    "Management and Governance": {
        "AmazonCloudWatch": "Amazon CloudWatch", "AWSCloudTrail": "AWS CloudTrail", "AWSConfig": "AWS Config",
        "AWSSystemsManager": "AWS Systems Manager", "AWSCostExplorer": "AWS Cost Explorer",
        "AWSSupportBusiness": "AWS Support [Business]", "AWSSupportEnterprise": "AWS Support [Enterprise]",
        "AWSDeveloperSupport": "AWS Support [Developer]", "AWSServiceCatalog": "AWS Service Catalog",
    },
    "Networking": {
        "AmazonVPC": "Amazon Virtual Private Cloud", "AmazonCloudFront": "Amazon CloudFront",
        "AmazonRoute53": "Amazon Route 53",
        "AWSELB": "Elastic Load Balancing", "AWSDataTransfer": "AWS Data Transfer",
        "AWSDirectConnect": "AWS Direct Connect",
        "AWSGlobalAccelerator": "AWS Global Accelerator", "AWSNetworkFirewall": "AWS Network Firewall",
    },
    "Security": {
        "awskms": "AWS Key Management Service", "AWSSecretsManager": "AWS Secrets Manager", "awswaf": "AWS WAF",
        "AmazonGuardDuty": "Amazon GuardDuty", "AWSSecurityHub": "AWS Security Hub",
        "AmazonInspectorV2": "Amazon Inspector",
        "AmazonMacie": "Amazon Macie", "AWSShield": "AWS Shield", "AWSCertificateManager": "AWS Certificate Manager",
    },
    "Storage": {
        "AmazonS3": "Amazon Simple Storage Service", "AmazonEFS": "Amazon Elastic File System",
        "AmazonFSx": "Amazon FSx",
        "AmazonGlacier": "Amazon S3 Glacier", "AWSBackup": "AWS Backup", "AWSStorageGateway": "AWS Storage Gateway",
        "AWSTransfer": "AWS Transfer Family",
    },
}  # fmt: skip

NAMES = {code: name for services in _BY_CATEGORY.values() for code, name in services.items()}
CATEGORIES = {code: category for category, services in _BY_CATEGORY.items() for code in services}
