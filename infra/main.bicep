targetScope = 'subscription'

metadata description = 'Firewatch: one resource group with everything it runs on, what feeds it, and the rights it has elsewhere.'

@description('What this deployment is called: dev, test, production. It is in every name.')
@minLength(2)
@maxLength(10)
param environmentName string

@description('The region of everything.')
param location string = deployment().location

@description('Tags of every resource, beside those that are always there.')
param tags object = {}

@description('Redundancy of the data: Standard_ZRS survives a data centre, Standard_GZRS a region.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageSku string = 'Standard_ZRS'

@description('For how many days the event hub keeps events.')
@minValue(1)
@maxValue(7)
param hubRetentionDays int = 7

@description('Up to how many throughput units the event hub grows by itself; it begins with one.')
@minValue(1)
@maxValue(20)
param hubMostThroughputUnits int = 4

@description('For how many days the workspace keeps what the apps log.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('After how many days the archive moves to the cool tier.')
param archiveCoolAfterDays int = 30

@description('After how many days the archive moves to the cold tier.')
param archiveColdAfterDays int = 90

@description('After how many days the archive is deleted; 0 keeps it for ever.')
param archiveDeleteAfterDays int = 0

@description('For how many days nothing in the archive can be changed or deleted. Only at the first deployment can it be other than 0, and it costs a version of every blob that is written anew.')
param archiveImmutableDays int = 0

@description('FIREWATCH_KEEP_DAYS: how many days an incident stays at hand after its end.')
@minValue(8)
@maxValue(3650)
param keepDays int = 37

@description('FIREWATCH_LEASE_SECONDS: how long an incident stays with a worker that died.')
@minValue(1)
@maxValue(600)
param leaseSeconds int = 120

@description('FIREWATCH_POLICY: path of another policy file in the package; empty: policy.yaml.')
param policyFile string = ''

@description('FIREWATCH_ENDPOINT_URL: a nearer host of Defender for Endpoint, such as https://eu.api.security.microsoft.com; empty: that of the cloud.')
param endpointUrl string = ''

@description('Whether routes, silences and schedules reload from a blob, which people upload to the account of deliveries.')
param policyReloads bool = false

@description('App settings that the policy names as secrets. Each is the secret of that name in the key vault, in small letters and with hyphens.')
param policySecrets array = [
  'LOGIC_APP_KEY'
  'PAGERDUTY_ROUTING_KEY'
]

@description('Whether messages carry links to answer by. The key vault then holds firewatch-link-key.')
param offersLinks bool = false

@description('Whether links signed with the key before still work. The key vault then holds firewatch-link-key-previous.')
param hasPreviousLinkKey bool = false

@description('Where people reach the web app, if not by its own name: https://...')
param publicUrl string = ''

@description('Client id of the app registration that people sign in by; empty: nobody can, and links alone acknowledge.')
param signInClientId string = ''

@description('Object ids of the groups whose members may sign in; empty: whoever the app registration lets in.')
param signInGroups array = []

@description('Client ids of programs that may call the API with a token of their own.')
param signInPrograms array = []

@description('How many instances of the web app are kept warm.')
param webAlwaysReady int = 0

@description('How many instances of the worker are kept warm for each of taking alerts and answering them.')
param workerAlwaysReady int = 0

@description('How many instances each app may have at most.')
@minValue(40)
@maxValue(1000)
param mostInstances int = 40

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int = 2048

@description('Whether storage, hub and vault are reached inside a virtual network alone.')
param isPrivate bool = false

@description('Public addresses and networks that reach storage and vault all the same, such as those of whoever sets secrets.')
param allowedAddresses array = []

@description('Address space of the virtual network.')
param networkAddresses string = '10.90.0.0/24'

@description('Addresses of the subnet of the apps: a /26 or larger.')
param appAddresses string = '10.90.0.0/25'

@description('Addresses of the subnet of private endpoints.')
param endpointAddresses string = '10.90.0.128/27'

@description('Whether the apps in the virtual network call out from one address that does not change.')
param hasFixedAddress bool = false

@description('Whether locks keep data, hub and vault from being deleted.')
param isLocked bool = false

@description('Object id of whoever sets secrets and uploads the policy; empty: nobody is given the right here.')
param operatorPrincipalId string = ''

@description('What that is.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorPrincipalType string = 'User'

@description('Rights of the worker on other subscriptions: {subscription, builtIn, responders, resourceGroups, custom}. README.md says which section of the policy needs which.')
param subscriptionRights array = []

@description('Resource ids of the workspaces of Log Analytics that the policy asks for evidence.')
param evidenceWorkspaceIds array = []

@description('Resource id of the Communication Services resource that mails are sent by; empty: none.')
param emailServiceId string = ''

@description('Object id of "Windows Azure Security Resource Provider" in this tenant, which writes what Defender exports; empty: nothing is exported.')
param exporterPrincipalId string = ''

@description('Ids of the subscriptions whose alerts are exported to the event hub, with exporterPrincipalId.')
param exportSubscriptions array = [
  subscription().subscriptionId
]

@description('Ids of the subscriptions whose activity log is sent to a workspace.')
param activityLogSubscriptions array = []

@description('Resource id of the workspace for those activity logs; empty: that of Firewatch.')
param activityLogWorkspaceId string = ''

@description('Object id of the app registration that stands for Firewatch at the webhook; empty: no action group.')
param webhookAppObjectId string = ''

@description('Identifier URI of that app registration.')
param webhookAudience string = ''

@description('Resource id of the workspace of Microsoft Sentinel whose incidents are handed over; empty: none.')
param sentinelWorkspaceId string = ''

@description('Object id of "Azure Security Insights" in this tenant, which runs playbooks for Sentinel.')
param sentinelPrincipalId string = ''

@description('Resource id of the workspace whose tables incidents are forwarded to; empty: none.')
param forwardWorkspaceId string = ''

@description('The region of that workspace.')
param forwardLocation string = location

@description('For how many days those tables keep what is forwarded.')
@minValue(4)
@maxValue(730)
param forwardRetentionDays int = 365

@description('Who is mailed when Firewatch itself is in trouble.')
param alertEmails array = []

@description('Resource ids of action groups that are called then.')
param alertActionGroupIds array = []

@description('Names of alert rules that are switched off.')
param alertsOff array = []

// Names: what it is, whose, which deployment; and where others in the world may have the
// same idea, a part that follows from subscription, region and deployment.
var abbreviations = loadJsonContent('abbreviations.json')
var functions = loadJsonContent('functions.json')
var unique = uniqueString(subscription().id, environmentName, location)
var ending = 'firewatch-${environmentName}'
var uniqueEnding = 'fw-${environmentName}-${take(unique, 5)}'
var webName = '${abbreviations['Microsoft.Web/sites']}-fw-web-${environmentName}-${take(unique, 5)}'
var workerName = '${abbreviations['Microsoft.Web/sites']}-fw-worker-${environmentName}-${take(unique, 5)}'
var vaultName = '${abbreviations['Microsoft.KeyVault/vaults']}-fw-${unique}'
var hubName = 'defender-alerts'
var consumerGroup = 'firewatch'

var allTags = union({
  application: 'firewatch'
  environment: environmentName
  'azd-env-name': environmentName
}, tags)

// What is another in the national clouds, and no template can ask for. Of Defender for
// Endpoint in the government's the host is from memory, and in China there is none.
var clouds = {
  AzureCloud: {
    logs: 'https://api.loganalytics.io'
    graph: 'https://graph.microsoft.com'
    endpoint: 'https://api.securitycenter.microsoft.com'
    vault: 'https://vault.azure.net'
    sites: 'azurewebsites.net'
    hubZone: 'privatelink.servicebus.windows.net'
    vaultZone: 'privatelink.vaultcore.azure.net'
  }
  AzureUSGovernment: {
    logs: 'https://api.loganalytics.us'
    graph: 'https://graph.microsoft.us'
    endpoint: 'https://api-gov.securitycenter.microsoft.us'
    vault: 'https://vault.usgovcloudapi.net'
    sites: 'azurewebsites.us'
    hubZone: 'privatelink.servicebus.usgovcloudapi.net'
    vaultZone: 'privatelink.vaultcore.usgovcloudapi.net'
  }
  AzureChinaCloud: {
    logs: 'https://api.loganalytics.azure.cn'
    graph: 'https://microsoftgraph.chinacloudapi.cn'
    endpoint: 'https://api.securitycenter.microsoft.com'
    vault: 'https://vault.azure.cn'
    sites: 'chinacloudsites.cn'
    hubZone: 'privatelink.servicebus.chinacloudapi.cn'
    vaultZone: 'privatelink.vaultcore.azure.cn'
  }
}
var cloud = clouds[environment().name]
var blobZone = 'privatelink.blob.${environment().suffixes.storage}'
var queueZone = 'privatelink.queue.${environment().suffixes.storage}'
var tableZone = 'privatelink.table.${environment().suffixes.storage}'

var ownUrl = 'https://${webName}.${cloud.sites}'
var webUrl = empty(publicUrl) ? ownUrl : publicUrl
var alertsUrl = '${webUrl}/api/alerts'
var hasSignIn = !empty(signInClientId)
var hasWebhook = !empty(webhookAppObjectId)
var hasSentinel = !empty(sentinelWorkspaceId)
var forwardsToLogs = !empty(forwardWorkspaceId)

// The scope of what is not deployed has to be one all the same.
var groupName = '${abbreviations['Microsoft.Resources/resourceGroups']}-${ending}'
var ownGroup = '${subscription().id}/resourceGroups/${groupName}'
var emailGroup = split(empty(emailServiceId) ? ownGroup : emailServiceId, '/')
var forwardGroup = split(empty(forwardWorkspaceId) ? ownGroup : forwardWorkspaceId, '/')
var sentinelGroup = split(empty(sentinelWorkspaceId) ? ownGroup : sentinelWorkspaceId, '/')

resource group 'Microsoft.Resources/resourceGroups@2024-07-01' = {
  name: groupName
  location: location
  tags: allTags
}

// Two apps of one package. What the internet can reach runs as another identity than what
// reads alerts and acts on them.

module webIdentity 'core/identity.bicep' = {
  name: 'firewatch-web-identity'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.ManagedIdentity/userAssignedIdentities']}-${ending}-web'
    location: location
    tags: allTags
  }
}

module workerIdentity 'core/identity.bicep' = {
  name: 'firewatch-worker-identity'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.ManagedIdentity/userAssignedIdentities']}-${ending}-worker'
    location: location
    tags: allTags
  }
}

var operator = {
  principalId: operatorPrincipalId
  principalType: operatorPrincipalType
}
var web = {
  principalId: webIdentity.outputs.principalId
  principalType: 'ServicePrincipal'
}
var worker = {
  principalId: workerIdentity.outputs.principalId
  principalType: 'ServicePrincipal'
}

module logs 'core/logs.bicep' = {
  name: 'firewatch-logs'
  scope: group
  params: {
    workspaceName: '${abbreviations['Microsoft.OperationalInsights/workspaces']}-${ending}'
    componentName: '${abbreviations['Microsoft.Insights/components']}-${ending}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    rights: [
      union(web, { role: 'Monitoring Metrics Publisher' })
      union(worker, { role: 'Monitoring Metrics Publisher' })
    ]
  }
}

module data 'core/data.bicep' = {
  name: 'firewatch-data'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Storage/storageAccounts']}fw${unique}'
    location: location
    tags: allTags
    sku: storageSku
    coolAfterDays: archiveCoolAfterDays
    coldAfterDays: archiveColdAfterDays
    deleteAfterDays: archiveDeleteAfterDays
    immutableDays: archiveImmutableDays
    isLocked: isLocked
    isPrivate: isPrivate
    allowedAddresses: allowedAddresses
    workspaceId: logs.outputs.workspaceId
    rights: [
      union(web, { role: 'Storage Blob Data Owner' })
      union(web, { role: 'Storage Queue Data Message Sender' })
      union(web, { role: 'Storage Table Data Contributor' })
      union(worker, { role: 'Storage Blob Data Owner' })
      union(worker, { role: 'Storage Queue Data Contributor' })
      union(worker, { role: 'Storage Table Data Contributor' })
    ]
  }
}

module deliveries 'core/deliveries.bicep' = {
  name: 'firewatch-deliveries'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Storage/storageAccounts']}fwd${unique}'
    location: location
    tags: allTags
    isPrivate: isPrivate
    allowedAddresses: allowedAddresses
    containers: [
      'package-web'
      'package-worker'
      'policy'
    ]
    rights: concat([
      union(web, { container: 'package-web', role: 'Storage Blob Data Contributor' })
      union(worker, { container: 'package-worker', role: 'Storage Blob Data Contributor' })
    ], policyReloads ? [
      union(web, { container: 'policy', role: 'Storage Blob Data Reader' })
      union(worker, { container: 'policy', role: 'Storage Blob Data Reader' })
    ] : [], (policyReloads && !empty(operatorPrincipalId)) ? [
      union(operator, { container: 'policy', role: 'Storage Blob Data Contributor' })
    ] : [])
  }
}

module hub 'core/hub.bicep' = {
  name: 'firewatch-hub'
  scope: group
  params: {
    namespaceName: '${abbreviations['Microsoft.EventHub/namespaces']}-${uniqueEnding}'
    hubName: hubName
    consumerGroup: consumerGroup
    location: location
    tags: allTags
    retentionDays: hubRetentionDays
    mostThroughputUnits: hubMostThroughputUnits
    isPrivate: isPrivate
    isLocked: isLocked
    rights: concat([
      union(worker, { role: 'Azure Event Hubs Data Receiver' })
    ], empty(exporterPrincipalId) ? [] : [
      {
        principalId: exporterPrincipalId
        principalType: 'ServicePrincipal'
        role: 'Azure Event Hubs Data Sender'
      }
    ])
  }
}

module vault 'core/vault.bicep' = {
  name: 'firewatch-vault'
  scope: group
  params: {
    name: vaultName
    location: location
    tags: allTags
    isPrivate: isPrivate
    allowedAddresses: allowedAddresses
    isLocked: isLocked
    workspaceId: logs.outputs.workspaceId
    rights: concat([
      union(web, { role: 'Key Vault Secrets User' })
      union(worker, { role: 'Key Vault Secrets User' })
    ], empty(operatorPrincipalId) ? [] : [
      union(operator, { role: 'Key Vault Secrets Officer' })
    ])
  }
}

module network 'core/network.bicep' = if (isPrivate) {
  name: 'firewatch-network'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Network/virtualNetworks']}-${ending}'
    ending: ending
    location: location
    tags: allTags
    addressSpace: networkAddresses
    appAddresses: appAddresses
    endpointAddresses: endpointAddresses
    hasFixedAddress: hasFixedAddress
  }
}

module zones 'core/zones.bicep' = if (isPrivate) {
  name: 'firewatch-zones'
  scope: group
  params: {
    names: [
      blobZone
      queueZone
      tableZone
      cloud.hubZone
      cloud.vaultZone
    ]
    tags: allTags
    networkId: isPrivate ? network.outputs.id : ''
  }
}

module dataEndpoints 'core/endpoint.bicep' = if (isPrivate) {
  name: 'firewatch-data-endpoints'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Network/privateEndpoints']}-${ending}-data'
    targetId: data.outputs.id
    parts: [
      { part: 'blob', zone: blobZone }
      { part: 'queue', zone: queueZone }
      { part: 'table', zone: tableZone }
    ]
    location: location
    tags: allTags
    subnetId: isPrivate ? network.outputs.endpointSubnetId : ''
  }
  dependsOn: [
    zones
  ]
}

module deliveriesEndpoint 'core/endpoint.bicep' = if (isPrivate) {
  name: 'firewatch-deliveries-endpoint'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Network/privateEndpoints']}-${ending}-deliveries'
    targetId: deliveries.outputs.id
    parts: [
      { part: 'blob', zone: blobZone }
    ]
    location: location
    tags: allTags
    subnetId: isPrivate ? network.outputs.endpointSubnetId : ''
  }
  dependsOn: [
    zones
  ]
}

module hubEndpoint 'core/endpoint.bicep' = if (isPrivate) {
  name: 'firewatch-hub-endpoint'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Network/privateEndpoints']}-${ending}-hub'
    targetId: hub.outputs.namespaceId
    parts: [
      { part: 'namespace', zone: cloud.hubZone }
    ]
    location: location
    tags: allTags
    subnetId: isPrivate ? network.outputs.endpointSubnetId : ''
  }
  dependsOn: [
    zones
  ]
}

module vaultEndpoint 'core/endpoint.bicep' = if (isPrivate) {
  name: 'firewatch-vault-endpoint'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Network/privateEndpoints']}-${ending}-vault'
    targetId: vault.outputs.id
    parts: [
      { part: 'vault', zone: cloud.vaultZone }
    ]
    location: location
    tags: allTags
    subnetId: isPrivate ? network.outputs.endpointSubnetId : ''
  }
  dependsOn: [
    zones
  ]
}

// Settings of both apps: one package, one set of names. Only who they sign in as differs,
// and which functions run.

// By its name and not by what it answers: lists are made before anything is deployed.
var vaultSecret = '@Microsoft.KeyVault(SecretUri=https://${vaultName}${environment().suffixes.keyvaultDns}/secrets'
var secretPairs = [for name in policySecrets: '"${name}": "${vaultSecret}/${toLower(replace(name, '_', '-'))}/)"']

var linkSettings = offersLinks ? {
  FIREWATCH_PUBLIC_URL: webUrl
  FIREWATCH_LINK_KEY: '${vaultSecret}/firewatch-link-key/)'
} : {}

var previousLinkSettings = (offersLinks && hasPreviousLinkKey) ? {
  FIREWATCH_LINK_KEY_PREVIOUS: '${vaultSecret}/firewatch-link-key-previous/)'
} : {}

var policySettings = policyReloads ? {
  FIREWATCH_POLICY_BLOB: '${deliveries.outputs.blobEndpoint}policy/policy.yaml'
} : {}

var policyFileSettings = empty(policyFile) ? {} : {
  FIREWATCH_POLICY: policyFile
}

var commonSettings = union({
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__blobServiceUri: data.outputs.blobEndpoint
  AzureWebJobsStorage__queueServiceUri: data.outputs.queueEndpoint
  AzureWebJobsStorage__tableServiceUri: data.outputs.tableEndpoint
  AlertsHub__credential: 'managedidentity'
  AlertsHub__fullyQualifiedNamespace: hub.outputs.hostName
  ALERTS_HUB: hubName
  ALERTS_CONSUMER_GROUP: consumerGroup
  APPLICATIONINSIGHTS_CONNECTION_STRING: logs.outputs.connectionString
  EASY_AUTH: hasSignIn ? '1' : '0'
  FIREWATCH_ARM_URL: environment().resourceManager
  FIREWATCH_ENDPOINT_AUDIENCE: cloud.endpoint
  FIREWATCH_ENDPOINT_URL: empty(endpointUrl) ? cloud.endpoint : endpointUrl
  FIREWATCH_GRAPH_URL: cloud.graph
  FIREWATCH_KEEP_DAYS: string(keepDays)
  FIREWATCH_LEASE_SECONDS: string(leaseSeconds)
  FIREWATCH_LOGS_URL: cloud.logs
  FIREWATCH_BLOB_URL: 'https://blob.${environment().suffixes.storage}'
  FIREWATCH_VAULT_URL: cloud.vault
}, linkSettings, previousLinkSettings, policySettings, policyFileSettings, json('{${join(secretPairs, ', ')}}'))

module webApp 'core/app.bicep' = {
  name: 'firewatch-web-app'
  scope: group
  params: {
    name: webName
    planName: '${abbreviations['Microsoft.Web/serverfarms']}-${ending}-web'
    location: location
    tags: allTags
    identityId: webIdentity.outputs.id
    packageContainer: '${deliveries.outputs.blobEndpoint}package-web'
    settings: union(commonSettings, {
      AzureWebJobsStorage__clientId: webIdentity.outputs.clientId
      AlertsHub__clientId: webIdentity.outputs.clientId
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${webIdentity.outputs.clientId};Authorization=AAD'
    }, hasSignIn ? {
      OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: webIdentity.outputs.clientId
      WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
    } : {})
    disabledFunctions: functions.worker
    alwaysReady: (webAlwaysReady > 0) ? [
      { name: 'http', instanceCount: webAlwaysReady }
    ] : []
    mostInstances: mostInstances
    memory: instanceMemory
    subnetId: isPrivate ? network.outputs.appSubnetId : ''
    isPublic: true
    signInClientId: signInClientId
    signInGroups: signInGroups
    signInPrograms: signInPrograms
    openPaths: [
      '/api/a'
      '/api/alerts'
      '/api/callbacks/*'
      '/api/health'
    ]
  }
  dependsOn: [
    dataEndpoints
    deliveriesEndpoint
    hubEndpoint
    vaultEndpoint
  ]
}

// After the other: two plans of this kind that are made in one group at the same time
// have been seen to fail.
module workerApp 'core/app.bicep' = {
  name: 'firewatch-worker-app'
  scope: group
  params: {
    name: workerName
    planName: '${abbreviations['Microsoft.Web/serverfarms']}-${ending}-worker'
    location: location
    tags: allTags
    identityId: workerIdentity.outputs.id
    packageContainer: '${deliveries.outputs.blobEndpoint}package-worker'
    settings: union(commonSettings, {
      AzureWebJobsStorage__clientId: workerIdentity.outputs.clientId
      AlertsHub__clientId: workerIdentity.outputs.clientId
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${workerIdentity.outputs.clientId};Authorization=AAD'
    })
    disabledFunctions: functions.web
    alwaysReady: (workerAlwaysReady > 0) ? [
      { name: 'function:ingest_alerts', instanceCount: workerAlwaysReady }
      { name: 'function:respond', instanceCount: workerAlwaysReady }
    ] : []
    mostInstances: mostInstances
    memory: instanceMemory
    subnetId: isPrivate ? network.outputs.appSubnetId : ''
    isPublic: false
    signInClientId: ''
    signInGroups: []
    signInPrograms: []
    openPaths: []
  }
  dependsOn: [
    webApp
  ]
}

// Rights of the worker outside of the group. The web app has none.

module subscriptionRoles 'rights/roles.bicep' = [for right in subscriptionRights: {
  name: 'firewatch-rights-${uniqueString(right.subscription, environmentName)}'
  scope: subscription(right.subscription)
  params: {
    principalId: workerIdentity.outputs.principalId
    builtIn: right.?builtIn ?? []
    custom: right.?custom ?? []
    responders: right.?responders ?? []
    responderGroups: right.?resourceGroups ?? []
    ending: '${environmentName}-${take(unique, 5)}'
  }
}]

module workspaceRights 'rights/workspace.bicep' = [for id in evidenceWorkspaceIds: {
  name: 'firewatch-evidence-${uniqueString(id, environmentName)}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  params: {
    name: last(split(id, '/'))
    principalId: workerIdentity.outputs.principalId
    role: 'Log Analytics Reader'
  }
}]

module emailRights 'rights/email.bicep' = if (!empty(emailServiceId)) {
  name: 'firewatch-email-${environmentName}'
  scope: resourceGroup(emailGroup[2], emailGroup[4])
  params: {
    name: last(split(emailServiceId, '/'))
    principalId: workerIdentity.outputs.principalId
    role: 'Communication and Email Service Owner'
  }
}

// What feeds it.

module exports 'feeds/export.bicep' = [for id in (empty(exporterPrincipalId) ? [] : exportSubscriptions): {
  name: 'firewatch-export-${uniqueString(id, environmentName)}'
  scope: subscription(id)
  params: {
    groupName: '${abbreviations['Microsoft.Resources/resourceGroups']}-${ending}-export'
    location: location
    tags: allTags
    hubId: hub.outputs.hubId
  }
}]

module activityLogs 'feeds/activity-log.bicep' = [for id in activityLogSubscriptions: {
  name: 'firewatch-activity-${uniqueString(id, environmentName)}'
  scope: subscription(id)
  params: {
    name: ending
    workspaceId: empty(activityLogWorkspaceId) ? logs.outputs.workspaceId : activityLogWorkspaceId
  }
}]

module webhook 'feeds/webhook.bicep' = if (hasWebhook) {
  name: 'firewatch-webhook'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Insights/actionGroups']}-${ending}-webhook'
    tags: allTags
    address: alertsUrl
    appObjectId: webhookAppObjectId
    audience: webhookAudience
  }
}

module playbookIdentity 'core/identity.bicep' = if (hasSentinel) {
  name: 'firewatch-playbook-identity'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.ManagedIdentity/userAssignedIdentities']}-${ending}-playbook'
    location: location
    tags: allTags
  }
}

module sentinel 'feeds/sentinel.bicep' = if (hasSentinel) {
  name: 'firewatch-sentinel'
  scope: group
  params: {
    name: '${abbreviations['Microsoft.Logic/workflows']}-${ending}'
    location: location
    tags: allTags
    identityId: hasSentinel ? playbookIdentity.outputs.id : ''
    address: alertsUrl
    audience: webhookAudience
    sentinelPrincipalId: sentinelPrincipalId
    role: 'Microsoft Sentinel Automation Contributor'
  }
}

module sentinelRules 'feeds/sentinel-rules.bicep' = if (hasSentinel) {
  name: 'firewatch-sentinel-${environmentName}'
  scope: resourceGroup(sentinelGroup[2], sentinelGroup[4])
  params: {
    workspaceName: last(split(sentinelWorkspaceId, '/'))
    playbookId: hasSentinel ? sentinel.outputs.id : ''
    ending: environmentName
  }
}

// What it forwards to.

module forwardLogs 'forward/logs.bicep' = if (forwardsToLogs) {
  name: 'firewatch-forward-${environmentName}'
  scope: resourceGroup(forwardGroup[2], forwardGroup[4])
  params: {
    workspaceName: last(split(forwardWorkspaceId, '/'))
    ruleName: '${abbreviations['Microsoft.Insights/dataCollectionRules']}-${ending}'
    location: forwardLocation
    tags: allTags
    retentionDays: forwardRetentionDays
    principalId: workerIdentity.outputs.principalId
    role: 'Monitoring Metrics Publisher'
  }
}

// What watches it.

module watch 'watch/watch.bicep' = {
  name: 'firewatch-watch'
  scope: group
  params: {
    ending: ending
    location: location
    tags: allTags
    actionGroupName: '${abbreviations['Microsoft.Insights/actionGroups']}-${ending}-alerts'
    workspaceId: logs.outputs.workspaceId
    emails: alertEmails
    actionGroupIds: alertActionGroupIds
    rulesOff: alertsOff
  }
}

@description('The resource group of everything here.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Resource ids of both apps, which get the same package.')
output FUNCTION_APP_IDS array = [
  webApp.outputs.id
  workerApp.outputs.id
]

@description('Resource id of the app that the internet reaches.')
output FUNCTION_APP_HTTP_ID string = webApp.outputs.id

@description('Where people reach it.')
output WEB_URL string = webUrl

@description('The host name that the platform gave the web app.')
output WEB_HOST_NAME string = webApp.outputs.hostName

@description('Object id of the identity of the web app, which the app registration of the sign-in trusts.')
output WEB_PRINCIPAL_ID string = webIdentity.outputs.principalId

@description('Object id of the identity of the worker, which rights elsewhere are given to.')
output WORKER_PRINCIPAL_ID string = workerIdentity.outputs.principalId

@description('Address of the key vault that the secrets go to.')
output KEY_VAULT_URI string = vault.outputs.uri

@description('Resource id of the event hub, which exports name.')
output EVENT_HUB_ID string = hub.outputs.hubId

@description('Where tables are, for firewatch --account.')
output TABLE_ENDPOINT string = data.outputs.tableEndpoint

@description('Where the policy that reloads is uploaded.')
output POLICY_CONTAINER string = '${deliveries.outputs.blobEndpoint}policy'

@description('Action group that calls the secure webhook, for alert rules of your own; empty: there is none.')
output WEBHOOK_ACTION_GROUP_ID string = hasWebhook ? webhook.outputs.id : ''

@description('Client id of the playbook of Sentinel, for app_ids of its sender; empty: there is none.')
output PLAYBOOK_CLIENT_ID string = hasSentinel ? playbookIdentity.outputs.clientId : ''

@description('Where incidents are forwarded to: endpoint of a responder logs-ingestion; empty: there is none.')
output FORWARD_ENDPOINT string = forwardsToLogs ? forwardLogs.outputs.endpoint : ''

@description('Its rule; empty: there is none.')
output FORWARD_RULE string = forwardsToLogs ? forwardLogs.outputs.ruleId : ''
