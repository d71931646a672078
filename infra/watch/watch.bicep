metadata description = 'Alert rules on what the apps log, whom they tell, and a workbook that shows it.'

@description('What names end with.')
param ending string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the action group that mails.')
param actionGroupName string

@description('Resource id of the workspace that the apps log to.')
param workspaceId string

@description('Who is mailed.')
param emails array

@description('Resource ids of other action groups that are called.')
param actionGroupIds array

@description('Names of rules that are switched off.')
param rulesOff array

var rules = loadJsonContent('rules.json')
var receivers = [for (address, i) in emails: {
  name: 'mail-${i}'
  emailAddress: address
  useCommonAlertSchema: true
}]

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'firewatch'
    emailReceivers: receivers
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for each in rules: {
  name: '${each.name}-${ending}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Firewatch ${ending}: ${each.name}'
    description: each.description
    enabled: !contains(rulesOff, each.name)
    severity: each.severity
    scopes: [
      workspaceId
    ]
    evaluationFrequency: each.every
    windowSize: each.window
    criteria: {
      allOf: [
        {
          query: each.query
          timeAggregation: 'Count'
          operator: each.operator
          threshold: each.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    // Tables that nothing was logged to yet are not there yet.
    skipQueryValidation: true
    actions: {
      actionGroups: concat(actionGroupIds, empty(emails) ? [] : [
        mail.id
      ])
      customProperties: {
        rule: each.name
        runbook: 'docs/operate.md'
      }
    }
  }
}]

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, 'firewatch-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Firewatch ${ending}'
    serializedData: loadTextContent('workbook.json')
    sourceId: workspaceId
    version: 'Notebook/1.0'
  }
}
