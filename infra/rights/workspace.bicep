metadata description = 'Lets one identity read the logs of a workspace that is there already.'

@description('Name of the workspace.')
param name string

@description('Object id of the identity.')
param principalId string

@description('The role, by its name in roles.json.')
param role string

var roles = loadJsonContent('../roles.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {
  name: name
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, role)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}
