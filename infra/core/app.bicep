metadata description = 'A function app on Flex Consumption, in a plan of its own. Both apps are this, with the same package and other functions switched off.'

@description('Name of the app. The host knows itself by its first 32 characters, so no two apps on one storage account share those.')
param name string

@description('Name of its plan.')
param planName string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of its identity.')
param identityId string

@description('The container of its package, with the address of the account.')
param packageContainer string

@description('Its settings, by name.')
param settings object

@description('Functions of the package that do not run here.')
param disabledFunctions array

@description('How many instances of what are kept warm: {name, instanceCount}.')
param alwaysReady array

@description('How many instances there may be at most.')
param mostInstances int

@description('Memory of an instance in MB.')
param memory int

@description('Resource id of the subnet that it calls out from; empty: none.')
param subnetId string

@description('Whether anybody may send it requests. Its deployments come by another way.')
param isPublic bool

@description('Client id of the app registration that people sign in by; empty: nobody signs in.')
param signInClientId string

@description('Object ids of the groups whose members may sign in; empty: whoever the app registration lets in.')
param signInGroups array

@description('Client ids of programs that may come with a token of their own.')
param signInPrograms array

@description('Paths at which nobody need be signed in.')
param openPaths array

// Named by lists, so they are made as text: without lambdas, which not every reader of
// Bicep understands, an object cannot be made of a list.
var switches = [for each in disabledFunctions: '"AzureWebJobs.${each}.Disabled": "true"']

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainer
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReady
        instanceMemoryMB: memory
        maximumInstanceCount: mostInstances
      }
    }
    siteConfig: {
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: isPublic ? 'Allow' : 'Deny'
      minTlsVersion: '1.2'
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
      scmIpSecurityRestrictionsUseMain: false
    }
  }
}

// Publishing by password, which nobody uses.
resource passwords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = [for road in [
  'ftp'
  'scm'
]: {
  parent: site
  name: road
  properties: {
    allow: false
  }
}]

resource signIn 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(signInClientId)) {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: openPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          // The name of a setting. The platform signs in as the app's identity, which the
          // registration trusts: there is no secret.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            signInClientId
            'api://${signInClientId}'
          ]
          defaultAuthorizationPolicy: {
            allowedApplications: concat([
              signInClientId
            ], signInPrograms)
            allowedPrincipals: empty(signInGroups) ? {} : {
              groups: signInGroups
            }
          }
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

// After the sign-in: with EASY_AUTH the app believes what the platform says of who is
// signed in, and anybody could say it while nothing stands in front.
resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: union(settings, json('{${join(switches, ', ')}}'))
  dependsOn: [
    signIn
  ]
}

@description('Its resource id.')
output id string = site.id

@description('Where it is reached.')
output hostName string = site.properties.defaultHostName
