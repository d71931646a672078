metadata description = 'A virtual network: the apps call out from it, and reach storage, hub and vault inside it.'

@description('Name of the network.')
param name string

@description('What the names of its parts end with.')
param ending string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Its address space.')
param addressSpace string

@description('Addresses of the subnet of the apps: a /26 or larger.')
param appAddresses string

@description('Addresses of the subnet of private endpoints.')
param endpointAddresses string

@description('Whether the apps call out from one address that does not change.')
param hasFixedAddress bool

var abbreviations = loadJsonContent('../abbreviations.json')

resource gate 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: '${abbreviations['Microsoft.Network/networkSecurityGroups']}-${ending}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'nothing-from-outside'
        properties: {
          access: 'Deny'
          description: 'Nothing in here is called from the internet.'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
          direction: 'Inbound'
          priority: 4000
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
        }
      }
    ]
  }
}

resource address 'Microsoft.Network/publicIPAddresses@2024-05-01' = if (hasFixedAddress) {
  name: '${abbreviations['Microsoft.Network/publicIPAddresses']}-${ending}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAddressVersion: 'IPv4'
    publicIPAllocationMethod: 'Static'
  }
}

resource gateway 'Microsoft.Network/natGateways@2024-05-01' = if (hasFixedAddress) {
  name: '${abbreviations['Microsoft.Network/natGateways']}-${ending}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIpAddresses: [
      {
        id: address.id
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressSpace
      ]
    }
    subnets: [
      {
        name: '${abbreviations['Microsoft.Network/virtualNetworks/subnets']}-apps'
        properties: {
          addressPrefix: appAddresses
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
          natGateway: hasFixedAddress ? {
            id: gateway.id
          } : null
          networkSecurityGroup: {
            id: gate.id
          }
        }
      }
      {
        name: '${abbreviations['Microsoft.Network/virtualNetworks/subnets']}-endpoints'
        properties: {
          addressPrefix: endpointAddresses
          networkSecurityGroup: {
            id: gate.id
          }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

@description('Resource id of the network.')
output id string = network.id

@description('Resource id of the subnet of the apps.')
output appSubnetId string = network.properties.subnets[0].id

@description('Resource id of the subnet of private endpoints.')
output endpointSubnetId string = network.properties.subnets[1].id
