targetScope = 'subscription'

metadata description = 'Rights of one identity on this subscription: built-in roles by name, a role for each responder that changes something, and roles that hold exactly the actions given.'

@description('Object id of the identity.')
param principalId string

@description('Built-in roles, by their names in roles.json.')
param builtIn array

@description('Roles to make and to give: {name, description, actions, resourceGroups}. They are given on the resource groups named, or on the subscription where none is.')
param custom array

@description('Responders that change or copy something, by what a policy writes after use: each gets a role of its own that holds what it needs, by responders.json.')
param responders array

@description('Names of the resource groups that those may act in; empty: the subscription.')
param responderGroups array

@description('What the names of the roles made here end with, since they are unique in a tenant.')
param ending string

var roles = loadJsonContent('../roles.json')
var needs = loadJsonContent('../responders.json')

// Guards read alerts and tags, of whole subscriptions too, before any of them acts.
var guards = 'guards'
var acting = empty(responders) ? [] : union([guards], responders)

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

resource responder 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for name in acting: {
  name: guid(subscription().id, 'responder', name, ending)
  properties: {
    roleName: 'Firewatch ${name} (${ending})'
    description: 'What ${name} of Firewatch needs, and no more.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: needs[name].actions
        notActions: []
        dataActions: needs[name].dataActions
        notDataActions: []
      }
    ]
  }
}]

module responderAssignment 'role.bicep' = [for (name, i) in acting: {
  name: 'firewatch-responder-${uniqueString(name, ending)}'
  params: {
    principalId: principalId
    resourceGroups: (name == guards) ? [] : responderGroups
    roleDefinitionId: responder[i].id
  }
}]
