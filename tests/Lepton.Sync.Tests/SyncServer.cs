using Lepton.Testing;

namespace Lepton.Sync.Tests;

/// <summary>One real server for the assembly; nodes that must have, or lose, one of their own make more.</summary>
public sealed class SyncServer() : PostgresServer("sync", replicates: true), IAsyncLifetime;

[CollectionDefinition("postgres")]
public sealed class PostgresCollection : ICollectionFixture<SyncServer>;
