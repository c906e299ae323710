using Lepton.Testing;

namespace Lepton.Identity.Tests.World;

/// <summary>One real server for the assembly.</summary>
public sealed class IdentityServer() : PostgresServer("identity"), IAsyncLifetime;

[CollectionDefinition("postgres")]
public sealed class PostgresCollection : ICollectionFixture<IdentityServer>;
