targetScope = 'managementGroup'

metadata description = 'Has Azure Policy export the alerts of every subscription of a management group to the event hub. Deployed by itself, with rights on that group: az deployment mg create.'

@description('Resource id of the event hub: the output EVENT_HUB_ID of main.bicep.')
param hubId string

@description('The region of the exports, and of the identity that makes them.')
param location string

@description('Name of the resource group that the policy makes in each subscription.')
param groupName string = 'rg-firewatch-export'

@description('Tags of those resource groups.')
param tags object = {}

// Microsoft's own: "Deploy export to Event Hub as a trusted service for Microsoft Defender
// for Cloud data". It knows three severities, so informational alerts stay out.
var definition = tenantResourceId('Microsoft.Authorization/policyDefinitions', 'af9f6c70-eb74-4189-8d15-e4f11a7ebfd4')
var roles = loadJsonContent('roles.json')

resource assignment 'Microsoft.Authorization/policyAssignments@2022-06-01' = {
  name: 'firewatch-export'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: 'Security alerts go to Firewatch'
    description: 'Continuous export of security alerts to the event hub of Firewatch.'
    policyDefinitionId: definition
    enforcementMode: 'Default'
    parameters: {
      effect: {
        value: 'DeployIfNotExists'
      }
      resourceGroupName: {
        value: groupName
      }
      resourceGroupLocation: {
        value: location
      }
      resourceGroupTags: {
        value: tags
      }
      exportedDataTypes: {
        value: [
          'Security alerts'
        ]
      }
      // Otherwise the policy looks for a second source, and never finds one.
      isSecurityFindingsEnabled: {
        value: false
      }
      alertSeverities: {
        value: [
          'High'
          'Medium'
          'Low'
        ]
      }
      eventHubDetails: {
        value: hubId
      }
    }
  }
}

// What the policy asks for: it makes resource groups and exports, and writes to the hub's
// settings. The identity belongs to the assignment, and goes with it.
resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, assignment.name, 'Contributor')
  properties: {
    principalId: assignment.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', roles['Contributor'])
  }
}
