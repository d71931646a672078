targetScope = 'subscription'

metadata description = 'Rights of one identity on this subscription: built-in roles by name, and roles that hold exactly the actions given.'

@description('Object id of the identity.')
param principalId string

@description('Built-in roles, by their names in roles.json.')
param builtIn array

@description('Roles to make and to give: {name, description, actions, resourceGroups}. They are given on the resource groups named, or on the subscription where none is.')
param custom array

@description('What the names of the roles made here end with, since they are unique in a tenant.')
param ending string

var roles = loadJsonContent('../roles.json')

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for name in builtIn: {
  name: guid(subscription().id, principalId, name)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[name])
  }
}]

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for role in custom: {
  name: guid(subscription().id, role.name, ending)
  properties: {
    roleName: '${role.name} (${ending})'
    description: role.description
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: role.actions
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}]

module assignment 'role.bicep' = [for (role, i) in custom: {
  name: 'firewatch-role-${uniqueString(role.name, ending)}'
  params: {
    principalId: principalId
    resourceGroups: role.?resourceGroups ?? []
    roleDefinitionId: definition[i].id
  }
}]
