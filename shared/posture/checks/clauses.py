"""The points of Microsoft's page on security monitoring that checks come from.

It is SE:10 of the Well-Architected Framework (remote-apis-azure.md 19).
"""

DETECTION = "SE:10: enable the platform's threat detection"
ALERTS = "SE:10: reliable alerts into security operations"
ACTIVITY = "SE:10: keep who did what and when; platform logs do not stay"
ACCESS = "SE:10: log access to resources and data, identities and networks"
PERSIST = "SE:10: keep logs outside of the system's own store"
KEEP = "SE:10: keep logs long enough, in colder tiers where that will do"
SYSTEM = "SE:10: detect changes of the operating system, its services and users"
CENTRAL = "SE:10: correlate in one place"
