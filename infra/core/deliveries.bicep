metadata description = 'The storage account of what people deliver: the packages of both apps, and a policy that reloads. Apart from the data, so that no app can write what another runs or goes by.'

@description('Name of the account.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Whether it is reached by private endpoints alone.')
param isPrivate bool

@description('Addresses and networks that reach it all the same.')
param allowedAddresses array

@description('Names of the containers.')
param containers array

@description('Who gets which role on which container: {container, principalId, principalType, role}.')
param rights array

var roles = loadJsonContent('../roles.json')
var addressRules = [for address in allowedAddresses: {
  action: 'Allow'
  value: address
}]

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: (isPrivate && empty(allowedAddresses)) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: addressRules
    }
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 14
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 14
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [for containerName in containers: {
  parent: blobs
  name: containerName
  properties: {
    publicAccess: 'None'
  }
}]

resource named 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = [for right in rights: {
  parent: blobs
  name: right.container
}]

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (right, i) in rights: {
  name: guid(account.id, right.container, right.principalId, right.role)
  scope: named[i]
  properties: {
    principalId: right.principalId
    principalType: right.principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[right.role])
  }
  dependsOn: [
    container
  ]
}]

@description('Resource id of the account.')
output id string = account.id

@description('Where blobs are.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
