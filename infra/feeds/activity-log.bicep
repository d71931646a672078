targetScope = 'subscription'

metadata description = 'Sends the activity log of this subscription to a workspace, where evidence is asked for.'

@description('Name of the diagnostic setting.')
param name string

@description('Resource id of the workspace.')
param workspaceId string

resource setting 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: name
  properties: {
    workspaceId: workspaceId
    logs: [for category in [
      'Administrative'
      'Alert'
      'Policy'
      'Recommendation'
      'ResourceHealth'
      'Security'
      'ServiceHealth'
    ]: {
      category: category
      enabled: true
    }]
  }
}
