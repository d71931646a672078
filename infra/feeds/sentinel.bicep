metadata description = 'A playbook that hands incidents of Microsoft Sentinel to Firewatch as they come and as they change.'

@description('Name of the playbook.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the identity that the playbook signs in as.')
param identityId string

@description('Where the app takes alerts.')
param address string

@description('Identifier URI of the app registration that stands for Firewatch.')
param audience string

@description('Object id of Sentinel itself in this tenant (Azure Security Insights), which runs the playbook.')
param sentinelPrincipalId string

@description('The role that Sentinel needs here, by its name in roles.json.')
param role string

var roles = loadJsonContent('../roles.json')
var api = subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'azuresentinel')

resource connection 'Microsoft.Web/connections@2016-06-01' = {
  name: '${name}-sentinel'
  location: location
  tags: tags
  properties: {
    displayName: 'Firewatch'
    api: {
      id: api
    }
    // By the playbook's identity. The types of Bicep do not know this one.
    #disable-next-line BCP037
    parameterValueType: 'Alternative'
  }
}

resource playbook 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    state: 'Enabled'
    definition: {
      '$schema': 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#'
      contentVersion: '1.0.0.0'
      parameters: {
        '$connections': {
          type: 'Object'
          defaultValue: {}
        }
      }
      triggers: {
        incident: {
          type: 'ApiConnectionWebhook'
          inputs: {
            body: {
              callback_url: '@{listCallbackUrl()}'
            }
            host: {
              connection: {
                name: '@parameters(\'$connections\')[\'azuresentinel\'][\'connectionId\']'
              }
            }
            path: '/incident-creation'
          }
        }
      }
      actions: {
        hand_over: {
          type: 'Http'
          runAfter: {}
          inputs: {
            method: 'POST'
            uri: address
            headers: {
              'content-type': 'application/json'
            }
            body: '@triggerBody()'
            authentication: {
              type: 'ManagedServiceIdentity'
              identity: identityId
              audience: audience
            }
          }
        }
      }
    }
    parameters: {
      '$connections': {
        value: {
          azuresentinel: {
            id: api
            connectionId: connection.id
            connectionName: connection.name
            connectionProperties: {
              authentication: {
                type: 'ManagedServiceIdentity'
                identity: identityId
              }
            }
          }
        }
      }
    }
  }
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, sentinelPrincipalId, role)
  properties: {
    principalId: sentinelPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}

@description('Resource id of the playbook.')
output id string = playbook.id
