targetScope = 'subscription'

metadata description = 'Gives one role to one identity, on resource groups or on the whole subscription.'

@description('Object id of the identity.')
param principalId string

@description('Resource id of the role.')
param roleDefinitionId string

@description('Names of the resource groups; empty: the subscription.')
param resourceGroups array

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (empty(resourceGroups)) {
  name: guid(subscription().id, principalId, roleDefinitionId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}

module inGroup 'role-in-group.bicep' = [for name in resourceGroups: {
  name: 'firewatch-right-${uniqueString(name, roleDefinitionId)}'
  scope: resourceGroup(name)
  params: {
    principalId: principalId
    roleDefinitionId: roleDefinitionId
  }
}]
