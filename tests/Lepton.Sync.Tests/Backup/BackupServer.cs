using Lepton.Testing;

namespace Lepton.Sync.Tests.Backup;

/// <summary>A server of its own: a base backup takes every database of it.</summary>
public sealed class BackupServer() : PostgresServer("sync", replicates: true), IAsyncLifetime;

[CollectionDefinition("backup")]
public sealed class BackupCollection : ICollectionFixture<BackupServer>;
