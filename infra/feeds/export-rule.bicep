metadata description = 'The export itself. Defender for Cloud keeps one of this name in a resource group.'

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the event hub.')
param hubId string

// No rule sets: every severity comes, and the policy decides what becomes of it.
resource export 'Microsoft.Security/automations@2023-12-01-preview' = {
  name: 'exportToEventHub'
  location: location
  tags: tags
  properties: {
    description: 'Security alerts to Firewatch.'
    isEnabled: true
    scopes: [
      {
        description: 'The subscription'
        scopePath: subscription().id
      }
    ]
    sources: [
      {
        eventSource: 'Alerts'
      }
    ]
    actions: [
      {
        actionType: 'EventHub'
        eventHubResourceId: hubId
        isTrustedServiceEnabled: true
      }
    ]
  }
}
