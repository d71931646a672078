metadata description = 'The event hub that alerts are exported to.'

@description('Name of the namespace.')
param namespaceName string

@description('Name of the hub.')
param hubName string

@description('The consumer group of Firewatch, which nobody else reads with.')
param consumerGroup string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('For how many days events are kept; what is older while storage is away is lost.')
param retentionDays int

@description('Up to how many throughput units it grows by itself.')
param mostThroughputUnits int

@description('Whether it is reached by private endpoints and trusted services alone.')
param isPrivate bool

@description('Whether a lock keeps the namespace from being deleted.')
param isLocked bool

@description('Who gets which role on the hub: {principalId, principalType, role}.')
param rights array

var roles = loadJsonContent('../roles.json')

// Standard: Basic has no consumer groups, and keeps events for a day.
resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: namespaceName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    disableLocalAuth: true
    isAutoInflateEnabled: (mostThroughputUnits > 1)
    maximumThroughputUnits: (mostThroughputUnits > 1) ? mostThroughputUnits : 0
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

// Defender for Cloud writes as a trusted service, past the firewall.
resource network 'Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01' = {
  parent: namespace
  name: 'default'
  properties: {
    defaultAction: isPrivate ? 'Deny' : 'Allow'
    publicNetworkAccess: 'Enabled'
    trustedServiceAccessEnabled: true
  }
}

// Four partitions: each is read by one worker, in order, and Defender sends little. The
// number is fixed when the hub is made. No capture: the app archives what it took.
resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: hubName
  properties: {
    messageRetentionInDays: retentionDays
    partitionCount: 4
  }
}

resource group 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = {
  parent: hub
  name: consumerGroup
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for right in rights: {
  name: guid(hub.id, right.principalId, right.role)
  scope: hub
  properties: {
    principalId: right.principalId
    principalType: right.principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[right.role])
  }
}]

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  name: 'firewatch'
  scope: namespace
  properties: {
    level: 'CanNotDelete'
    notes: 'Alerts are exported to it.'
  }
}

@description('Resource id of the namespace.')
output namespaceId string = namespace.id

@description('Resource id of the hub.')
output hubId string = hub.id

@description('The host name of the namespace, which apps connect to.')
output hostName string = first(split(last(split(namespace.properties.serviceBusEndpoint, '//')), ':'))
