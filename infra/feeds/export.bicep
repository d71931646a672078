targetScope = 'subscription'

metadata description = 'Continuous export of the alerts of this subscription to the event hub, as a trusted service.'

@description('Name of the resource group that holds the export; it is made where it is not there.')
param groupName string

@description('The region of the group.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the event hub.')
param hubId string

resource group 'Microsoft.Resources/resourceGroups@2024-07-01' = {
  name: groupName
  location: location
  tags: tags
}

module rule 'export-rule.bicep' = {
  name: 'firewatch-export'
  scope: group
  params: {
    location: location
    tags: tags
    hubId: hubId
  }
}
