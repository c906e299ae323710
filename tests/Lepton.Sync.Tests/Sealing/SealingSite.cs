using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Files;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>The folders, secrets and clock of a node's sealing, over which it may be started again and again.</summary>
internal sealed class SealingSite : IDisposable
{
    public SealingSite(string region = "eu-west", string? blindingKeyFile = null)
    {
        Region = region;
        BlindingKeyFile = blindingKeyFile ?? Secret("blinding.key");
        SecretFile = Secret("region.secret");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("lepton-keys-").FullName;

    public string Region { get; }

    public MovableTime Time { get; } = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    public string BlindingKeyFile { get; }

    public string SecretFile { get; }

    public KeyOptions Keys => new()
    {
        StoreDirectory = Path.Combine(Folder, "store"), ProviderDirectory = Path.Combine(Folder, "provider"),
        SecretFile = SecretFile, KeysMax = KeysMax,
    };

    public int KeysMax { get; set; } = 1000;

    public string StoreFile => Path.Combine(Folder, "store", "keys.log");

    public string Secret(string name)
    {
        var file = Path.Combine(Folder, name);
        using var stream = DurableFiles.Create(file);
        stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
        return file;
    }

    /// <summary>Every byte of the store's and the provider's files.</summary>
    public byte[] AllBytes() =>
        [.. Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Order().SelectMany(ReadShared)];

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public static byte[] ReadShared(string file)
    {
        if (Path.GetExtension(file) == ".lock")
            return [];
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}

/// <summary>One run of a node's sealing, as AddSyncSealing puts it together.</summary>
internal sealed class SealingRun : IDisposable
{
    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private SealingRun(SealingSite site, IKeyFile file, SealingOptions sealing, ITopologySource topology)
    {
        sealing.BlindingKeyFile = site.BlindingKeyFile;
        (Site, File, Topology) = (site, file, topology);
        SealingMetrics metrics = new(_meters.GetRequiredService<IMeterFactory>());
        BlindingKey blinding = new(Options.Create(sealing));
        Provider = new SealedFileKeyProvider(site.Keys.ProviderDirectory, topology.Self.Name,
            SecretFile.Read("Sync:Keys:SecretFile", site.SecretFile), Entropy.System, site.Time);
        Keys = new KeyStore(file, Provider, blinding, Entropy.System, Options.Create(site.Keys), metrics, site.Time,
            NullLogger<KeyStore>.Instance);
        Ciphers = new CipherCache(Keys, Options.Create(sealing));
        Sealer = new RecordSealer(
            topology, blinding, new BodyCodec(Options.Create(sealing)), Ciphers, Entropy.System, metrics);
    }

    public SealingSite Site { get; }

    public IKeyFile File { get; }

    public ITopologySource Topology { get; }

    public SealedFileKeyProvider Provider { get; }

    public KeyStore Keys { get; }

    public CipherCache Ciphers { get; }

    public RecordSealer Sealer { get; }

    public static async Task<SealingRun> StartAsync(
        SealingSite site, IKeyFile? file = null, SealingOptions? sealing = null, ITopologySource? topology = null)
    {
        SealingRun run = new(site, file ?? new KeyFile(site.Keys.StoreDirectory), sealing ?? new SealingOptions(),
            topology ?? new FixedTopology(site.Region));
        try
        {
            await run.Keys.LoadAsync(run.Topology.Self.Name, default);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    public async Task<StoredRecord> SealAsync(
        ClassId recordClass, string key, byte[] value, string? subject = null,
        RecordKind kind = RecordKind.Value) =>
        Seal(recordClass, key, value, await Keys.ForWriteAsync(recordClass, "acme", subject, default), kind);

    public StoredRecord Seal(
        ClassId recordClass, string key, byte[] value, DataKey dataKey, RecordKind kind = RecordKind.Value) =>
        Sealer.Seal(new PlainRecord
        {
            Class = recordClass, Slot = new SlotId(77), StoredKey = Sealer.StoredKey(recordClass, "acme", key),
            Tenant = "acme", Key = key, Version = new RecordVersion(3, 0x0196_0000_0000_0001), Kind = kind,
            Value = value, RequestId = new Guid("00112233-4455-6677-8899-aabbccddeeff"),
        }, dataKey);

    public void Dispose()
    {
        Ciphers.Dispose();
        Provider.Dispose();
        (File as IDisposable)?.Dispose();
        _meters.Dispose();
    }
}
