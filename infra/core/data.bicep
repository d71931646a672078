metadata description = 'The storage account of both apps: tables, queue, archive, and what the Functions host keeps.'

@description('Name of the account.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Redundancy, such as Standard_ZRS.')
param sku string

@description('After how many days the archive moves to the cool tier.')
param coolAfterDays int

@description('After how many days the archive moves to the cold tier.')
param coldAfterDays int

@description('After how many days the archive is deleted; 0 keeps it for ever.')
param deleteAfterDays int

@description('For how many days no version of a blob in the container can be changed or deleted; 0: versions are not kept.')
param immutableDays int

@description('Whether a lock keeps the account from being deleted.')
param isLocked bool

@description('Whether it is reached by private endpoints alone.')
param isPrivate bool

@description('Addresses and networks that reach it all the same.')
param allowedAddresses array

@description('Resource id of the workspace that is told what is deleted.')
param workspaceId string

@description('Who gets which role on the account: {principalId, principalType, role}.')
param rights array

var roles = loadJsonContent('../roles.json')
var isImmutable = (immutableDays > 0)
var addressRules = [for address in allowedAddresses: {
  action: 'Allow'
  value: address
}]

// A version that may not be deleted yet is left alone, and tried again the next day.
var lastDays = (deleteAfterDays > immutableDays) ? deleteAfterDays : immutableDays
var deletion = (deleteAfterDays > 0) ? {
  delete: {
    daysAfterModificationGreaterThan: lastDays
  }
} : {}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
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
    isVersioningEnabled: isImmutable
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

// Versions and not the container: the app writes some blobs anew, under the same names.
resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: 'firewatch'
  properties: union({
    publicAccess: 'None'
  }, isImmutable ? {
    immutableStorageWithVersioning: {
      enabled: true
    }
  } : {})
}

// Unlocked: whoever is sure of the time locks it by hand, since nobody can undo that.
resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2024-01-01' = if (isImmutable) {
  parent: container
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: immutableDays
  }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'archive'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'firewatch/archive/'
              ]
            }
            actions: {
              baseBlob: union({
                tierToCool: {
                  daysAfterModificationGreaterThan: coolAfterDays
                }
                tierToCold: {
                  daysAfterModificationGreaterThan: coldAfterDays
                }
              }, deletion)
            }
          }
        }
        {
          name: 'earlier-versions'
          enabled: isImmutable
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'firewatch/'
              ]
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: immutableDays
                }
              }
            }
          }
        }
        // The host writes its leases and checkpoints every few seconds, each a version.
        {
          name: 'versions-of-the-host'
          enabled: isImmutable
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'azure-webjobs-eventhub/'
                'azure-webjobs-hosts/'
              ]
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: 1
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [
    blobs
  ]
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for queueName in [
  'respond'
  'respond-poison'
]: {
  parent: queues
  name: queueName
}]

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = [for tableName in [
  'history'
  'work'
]: {
  parent: tables
  name: tableName
}]

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for right in rights: {
  name: guid(account.id, right.principalId, right.role)
  scope: account
  properties: {
    principalId: right.principalId
    principalType: right.principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[right.role])
  }
}]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'firewatch'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  name: 'firewatch'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Incidents, their history and the archive of alerts.'
  }
}

@description('Resource id of the account.')
output id string = account.id

@description('Where blobs are.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Where queues are.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('Where tables are.')
output tableEndpoint string = account.properties.primaryEndpoints.table
