metadata description = 'An action group that calls the secure webhook, for alert rules of your own; and one rule: Defender alerts in the activity log of this subscription.'

@description('Name of the action group.')
param name string

@description('Tags of every resource.')
param tags object

@description('Where the app takes alerts.')
param address string

@description('Object id of the app registration that stands for Firewatch.')
param appObjectId string

@description('Its identifier URI, which tokens are made for.')
param audience string

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'firewatch'
    webhookReceivers: [
      {
        name: 'firewatch'
        serviceUri: address
        useAadAuth: true
        objectId: appObjectId
        identifierUri: audience
        tenantId: tenant().tenantId
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rule 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: '${name}-security'
  location: 'global'
  tags: tags
  properties: {
    description: 'Security alerts, by a second road: they are the same alerts as the hub brings.'
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Security'
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: group.id
        }
      ]
    }
  }
}

@description('Resource id of the action group, for other alert rules.')
output id string = group.id
