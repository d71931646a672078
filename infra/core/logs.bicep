metadata description = 'Where the apps say what they do: a workspace, and Application Insights on it.'

@description('Name of the workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param componentName string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('For how many days logs are kept.')
param retentionDays int

@description('Who gets which role on the component: {principalId, principalType, role}.')
param rights array

var roles = loadJsonContent('../roles.json')

// No daily cap: past it the alert rules would see nothing, and say so to nobody.
resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
    IngestionMode: 'LogAnalytics'
  }
}

resource given 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for right in rights: {
  name: guid(component.id, right.principalId, right.role)
  scope: component
  properties: {
    principalId: right.principalId
    principalType: right.principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[right.role])
  }
}]

@description('Resource id of the workspace.')
output workspaceId string = workspace.id

@description('Where telemetry is sent. No secret: the component takes none but signed-in senders.')
output connectionString string = component.properties.ConnectionString
