metadata description = 'Lets one identity send mail by a Communication Services resource that is there already.'

@description('Name of the Communication Services resource.')
param name string

@description('Object id of the identity.')
param principalId string

@description('The role, by its name in roles.json.')
param role string

var roles = loadJsonContent('../roles.json')

resource sender 'Microsoft.Communication/communicationServices@2023-04-01' existing = {
  name: name
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(sender.id, principalId, role)
  scope: sender
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}
