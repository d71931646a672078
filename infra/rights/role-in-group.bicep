metadata description = 'Gives one role to one identity on this resource group.'

@description('Object id of the identity.')
param principalId string

@description('Resource id of the role.')
param roleDefinitionId string

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, roleDefinitionId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}
