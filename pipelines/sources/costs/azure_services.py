"""Azure's meter categories → FOCUS's category of service. What is not here is `Other`.

Categories: https://focus.finops.org/focus-specification/v1-2/#service-category.
"""

from __future__ import annotations

_BY_CATEGORY = {
    "AI and Machine Learning": (
        "Azure Machine Learning", "Cognitive Services", "Azure OpenAI", "Foundry Models", "Azure Bot Service",
        "Azure Cognitive Search",
    ),
    "Analytics": (
        "Azure Databricks", "Azure Data Factory", "Azure Data Factory v2", "Azure Synapse Analytics", "HDInsight",
        "Stream Analytics", "Azure Data Explorer", "Power BI Embedded", "Microsoft Fabric", "Microsoft Purview",
    ),
    "Compute": (
        "Virtual Machines", "Virtual Machines Licenses", "Azure App Service", "Functions", "Container Instances",
        "Azure Container Apps", "Azure Kubernetes Service", "Container Registry", "Cloud Services", "Service Fabric",
        "Azure VMware Solution", "Azure Spring Cloud",
    ),
    "Databases": (
        "SQL Database", "SQL Managed Instance", "Azure Cosmos DB", "Azure Database for MySQL", "Redis Cache",
        "Azure Database for PostgreSQL", "Azure Database for MariaDB",
    ),
    "Developer Tools": ("Azure DevOps", "Azure DevTest Labs", "Application Insights", "GitHub", "Load Testing"),
    "Identity": ("Azure Active Directory", "Azure Active Directory B2C", "Microsoft Entra ID"),
    "Integration": ("Service Bus", "Event Hubs", "Event Grid", "Logic Apps", "API Management", "Notification Hubs"),
    "Internet of Things": ("IoT Hub", "IoT Central", "Digital Twins"),
    "Management and Governance": (
        "Log Analytics", "Azure Monitor", "Automation", "Azure Arc Enabled Servers", "Azure Policy",
        "Insight and Analytics",
    ),
    "Networking": (
        "Virtual Network", "Bandwidth", "Load Balancer", "Application Gateway", "VPN Gateway", "ExpressRoute",
        "Azure DNS",
        "Content Delivery Network", "Azure Front Door Service", "Azure Firewall", "NAT Gateway", "Traffic Manager",
        "Network Watcher", "Azure Bastion", "Virtual WAN",
    ),
    "Security": ("Key Vault", "Microsoft Defender for Cloud", "Security Center", "Sentinel", "Azure DDOS Protection"),
    "Storage": ("Storage", "Backup", "Azure NetApp Files", "Azure Site Recovery", "Azure Data Box", "StorSimple"),
}  # fmt: skip

CATEGORIES = {service: category for category, services in _BY_CATEGORY.items() for service in services}
