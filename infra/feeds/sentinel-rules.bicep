metadata description = 'Automation rules in the workspace of Microsoft Sentinel: they run the playbook for what is new and for what changed.'

@description('Name of the workspace.')
param workspaceName string

@description('Resource id of the playbook.')
param playbookId string

@description('What the names of the rules end with, since several Firewatches may ask the same workspace.')
param ending string

resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {
  name: workspaceName
}

resource rule 'Microsoft.SecurityInsights/automationRules@2024-03-01' = [for (moment, i) in [
  'Created'
  'Updated'
]: {
  name: guid(workspace.id, ending, moment)
  scope: workspace
  properties: {
    displayName: 'Firewatch is told of incidents: ${moment} (${ending})'
    order: 900 + i
    triggeringLogic: {
      isEnabled: true
      triggersOn: 'Incidents'
      triggersWhen: moment
    }
    actions: [
      {
        actionType: 'RunPlaybook'
        order: 1
        actionConfiguration: {
          logicAppResourceId: playbookId
          tenantId: tenant().tenantId
        }
      }
    ]
  }
}]
