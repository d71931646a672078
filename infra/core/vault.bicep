metadata description = 'The key vault of the secrets that the policy names. People put them there; no template does.'

@description('Its name.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Whether it is reached by private endpoints alone.')
param isPrivate bool

@description('Addresses and networks that reach it all the same.')
param allowedAddresses array

@description('Whether a lock keeps it from being deleted, and nobody can purge it for 90 days.')
param isLocked bool

@description('Resource id of the workspace that is told who read which secret.')
param workspaceId string

@description('Who gets which role on it: {principalId, principalType, role}.')
param rights array

var roles = loadJsonContent('../roles.json')
var addressRules = [for address in allowedAddresses: {
  value: address
}]

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    // Once true it stays so. A name that cannot be purged cannot be used again meanwhile.
    enablePurgeProtection: isLocked ? true : null
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: (isPrivate && empty(allowedAddresses)) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: addressRules
    }
  }
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for right in rights: {
  name: guid(vault.id, right.principalId, right.role)
  scope: vault
  properties: {
    principalId: right.principalId
    principalType: right.principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[right.role])
  }
}]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'firewatch'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  name: 'firewatch'
  scope: vault
  properties: {
    level: 'CanNotDelete'
    notes: 'Secrets of the policy.'
  }
}

@description('Resource id of the vault.')
output id string = vault.id

@description('Its address.')
output uri string = vault.properties.vaultUri
