metadata description = 'Private endpoints of one resource. Their names are written into zones that are there.'

@description('Resource id of what is reached.')
param targetId string

@description('What the names of the endpoints begin with.')
param name string

@description('What of it is reached, and the private DNS zone of that: {part, zone}.')
param parts array

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the subnet that the endpoints are in.')
param subnetId string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' existing = [for each in parts: {
  name: each.zone
}]

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = [for each in parts: {
  name: '${name}-${each.part}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: each.part
        properties: {
          groupIds: [
            each.part
          ]
          privateLinkServiceId: targetId
        }
      }
    ]
  }
}]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (each, i) in parts: {
  parent: endpoint[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: each.part
        properties: {
          privateDnsZoneId: zone[i].id
        }
      }
    ]
  }
}]
