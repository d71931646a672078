metadata description = 'Tables for what is forwarded, and the data collection rule by which the worker writes to them.'

@description('Name of the workspace, which is there already.')
param workspaceName string

@description('Name of the rule.')
param ruleName string

@description('The region of the workspace.')
param location string

@description('Tags of the rule.')
param tags object

@description('For how many days the tables keep what is forwarded.')
param retentionDays int

@description('Object id of the identity that writes.')
param principalId string

@description('The role that it needs, by its name in roles.json.')
param role string

var roles = loadJsonContent('../roles.json')

// Columns that a stream does not declare are dropped without a word: streams.json names
// every field of the records, and a test compares them.
var streams = loadJsonContent('streams.json')
var kinds = [
  'Actions'
  'Audit'
  'Evidence'
  'Incidents'
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {
  name: workspaceName
}

resource tables 'Microsoft.OperationalInsights/workspaces/tables@2022-10-01' = [for kind in kinds: {
  parent: workspace
  name: 'Firewatch${kind}_CL'
  properties: {
    plan: 'Analytics'
    retentionInDays: retentionDays
    totalRetentionInDays: retentionDays
    schema: {
      name: 'Firewatch${kind}_CL'
      columns: streams['Custom-Firewatch${kind}'].columns
    }
  }
}]

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  tags: tags
  kind: 'Direct'
  properties: {
    description: 'What Firewatch forwards of incidents.'
    streamDeclarations: streams
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspace.id
        }
      ]
    }
    dataFlows: [for kind in kinds: {
      streams: [
        'Custom-Firewatch${kind}'
      ]
      destinations: [
        'workspace'
      ]
      transformKql: 'source'
      outputStream: 'Custom-Firewatch${kind}_CL'
    }]
  }
  dependsOn: [
    tables
  ]
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(rule.id, principalId, role)
  scope: rule
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}

@description('Where the rule takes logs: endpoint of the responder.')
output endpoint string = rule.properties.endpoints.logsIngestion

@description('The immutable id: rule of the responder.')
output ruleId string = rule.properties.immutableId
