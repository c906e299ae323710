using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>S7: a row opens to what was sealed, or says why not; nothing of it can be changed.</summary>
public sealed class RecordSealerTests : IAsyncLifetime, IDisposable
{
    private static readonly byte[] Json = Encoding.UTF8.GetBytes(
        """{"name":"Ada","city":"London","status":"active","amount":"12.50","status2":"active","status3":"active"}""");

    private readonly SealingSite _site = new();
    private SealingRun _run = null!;

    public async Task InitializeAsync() => _run = await SealingRun.StartAsync(_site);

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _run.Dispose();
        _site.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(1 << 20)]
    public async Task Open_WhatSealMade_IsTheSameOfEveryClassAndKind(int length)
    {
        foreach (var recordClass in new[] { FixedTopology.Blind, FixedTopology.Clear })
        {
            foreach (var value in new[] { RandomNumberGenerator.GetBytes(length), new byte[length] })
            {
                var row = await _run.SealAsync(recordClass, "kunde/äöü", value, "ada");

                var opened = _run.Sealer.Open(row);

                Assert.Equal(OpenState.Opened, opened.State);
                Assert.Equal(("acme", "kunde/äöü"), (opened.Tenant, opened.Key));
                Assert.Equal(value, opened.Value.ToArray());
            }
        }
        var tombstone = await _run.SealAsync(FixedTopology.Blind, "k", [], "ada", RecordKind.Tombstone);
        Assert.Equal(("acme", "k"), (_run.Sealer.Open(tombstone).Tenant, _run.Sealer.Open(tombstone).Key));
    }

    [Fact]
    public async Task Seal_BlindClass_KeepsNeitherKeyNorValueInSight()
    {
        var blind = await _run.SealAsync(FixedTopology.Blind, "canary-key", "canary-value"u8.ToArray(), "ada");
        var clear = await _run.SealAsync(FixedTopology.Clear, "canary-key", "canary-value"u8.ToArray());

        Assert.Equal(32, blind.Key.Length);
        Assert.Equal("acme/canary-key", Encoding.UTF8.GetString(clear.Key.Span));
        Assert.Equal(blind.Key.ToArray(), _run.Sealer.StoredKey(FixedTopology.Blind, "acme", "canary-key").ToArray());
        Assert.NotEqual(blind.Key.ToArray(), _run.Sealer.StoredKey(FixedTopology.Blind, "acm", "canary-key").ToArray());
        foreach (var row in new[] { blind.Body, clear.Body, blind.Key })
            Assert.True(row.Span.IndexOf("canary"u8) < 0);
    }

    /// <summary>By the published form alone: AES-GCM of .NET and the layout that Envelope documents.</summary>
    [Fact]
    public async Task Seal_KnownKey_OpensByTheDocumentedForm()
    {
        var key = await _run.Keys.ForWriteAsync(FixedTopology.Clear, "acme", null, default);
        var row = _run.Seal(FixedTopology.Clear, "k", "short"u8.ToArray(), key);
        var body = row.Body.ToArray();
        List<byte> associated = [1, 0, 1, 0, 77];
        associated.AddRange(Convert.FromHexString("00000000000000030196000000000001"));
        associated.Add(0);
        associated.AddRange(key.Id.Value.ToByteArray(bigEndian: true));
        associated.AddRange(Convert.FromHexString("00112233445566778899aabbccddeeff"));
        associated.AddRange("acme/k"u8);

        using AesGcm cipher = new(key.Key.Span, 16);
        var inside = new byte[body.Length - 29];
        cipher.Decrypt(body.AsSpan(1, 12), body.AsSpan(13, inside.Length), body.AsSpan(^16..), inside,
            associated.ToArray());

        Assert.Equal(1, body[0]);
        Assert.Equal([0, 0, .. "short"u8], inside);
    }

    [Fact]
    public async Task Open_AnyFieldChanged_IsDamagedEvenWithItsDigestMadeAnew()
    {
        var row = await _run.SealAsync(FixedTopology.Blind, "k", Json, "ada");
        var other = await _run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "bob", default);
        StoredRecord[] forged =
        [
            row with { Class = FixedTopology.Clear },
            row with { Slot = new SlotId(78) },
            row with { Key = _run.Sealer.StoredKey(FixedTopology.Blind, "acme", "l") },
            row with { Version = row.Version with { Term = 4 } },
            row with { Version = row.Version with { Clock = row.Version.Clock + 1 } },
            row with { Kind = RecordKind.Tombstone },
            row with { KeyId = other.Id },
            row with { RequestId = Guid.Empty },
            row with { Body = row.Body[..^1] },
        ];

        foreach (var each in forged)
        {
            Assert.Equal(OpenState.Damaged, _run.Sealer.Open(each).State);
            Assert.Equal(OpenState.Damaged, _run.Sealer.Open(Digested(each)).State);
        }
    }

    [Fact]
    public async Task Open_AnyByteOfTheBodyFlipped_IsDamaged()
    {
        var row = await _run.SealAsync(FixedTopology.Blind, "k", Json, "ada");

        for (var i = 0; i < row.Body.Length; i++)
        {
            var body = row.Body.ToArray();
            body[i] ^= 1;
            Assert.Equal(OpenState.Damaged, _run.Sealer.Open(row with { Body = body }).State);
            Assert.Equal(OpenState.Damaged, _run.Sealer.Open(Digested(row with { Body = body })).State);
        }
        for (var length = 0; length < row.Body.Length; length++)
        {
            var cut = _run.Sealer.Open(Digested(row with { Body = row.Body[..length] })).State;
            Assert.Equal(length == 0 ? OpenState.Erased : OpenState.Damaged, cut);
        }
    }

    [Fact]
    public async Task Open_KeyErasedOrMissing_SaysWhich()
    {
        var row = await _run.SealAsync(FixedTopology.Clear, "k", Json, "ada");
        Assert.Equal(OpenState.Opened, _run.Sealer.Open(row).State);
        using SealingSite elsewhere = new(blindingKeyFile: _site.BlindingKeyFile);
        using var another = await SealingRun.StartAsync(elsewhere);
        var missing = another.Sealer.Open(row);

        var held = _run.Ciphers.Count;
        await _run.Keys.EraseAsync(_run.Sealer.DigestOf("acme", "ada"), _site.Time.GetUtcNow(), default);
        var erased = _run.Sealer.Open(row);

        Assert.Equal((OpenState.KeyMissing, "acme", "k"), (missing.State, missing.Tenant, missing.Key));
        Assert.Equal((OpenState.Erased, "acme", "k"), (erased.State, erased.Tenant, erased.Key));
        Assert.True(erased.Value.IsEmpty);
        Assert.Equal(held - 1, _run.Ciphers.Count);
    }

    [Fact]
    public async Task Seal_KeyErasedSinceItWasChosen_IsRefused()
    {
        var key = await _run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        await _run.Keys.EraseAsync(_run.Sealer.DigestOf("acme", "ada"), _site.Time.GetUtcNow(), default);

        Assert.Throws<KeyErasedException>(() => _run.Seal(FixedTopology.Blind, "k", Json, key));
        Assert.All(key.Key.ToArray(), b => Assert.Equal(0, b));
    }

    [Fact]
    public async Task Open_SealedWithBrotli_OpensOnANodeWithZstd()
    {
        using SealingSite elsewhere = new(blindingKeyFile: _site.BlindingKeyFile);
        using var brotli = await SealingRun.StartAsync(
            elsewhere, sealing: new SealingOptions { Compression = CompressionChoice.Brotli });
        var key = await brotli.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        var row = brotli.Seal(FixedTopology.Blind, "k", new byte[5000], key);
        await _run.Keys.AddAsync([key], default);

        Assert.True(row.Body.Length < 200);
        Assert.Equal(new byte[5000], _run.Sealer.Open(row).Value.ToArray());
    }

    [Fact]
    public async Task Rent_MoreKeysThanTheCacheHolds_StaysBoundedAndOpensAll()
    {
        using SealingSite site = new();
        using var run = await SealingRun.StartAsync(site, sealing: new SealingOptions { CiphersMax = 16 });
        List<StoredRecord> rows = [];
        for (var i = 0; i < 100; i++)
            rows.Add(await run.SealAsync(FixedTopology.Blind, $"k{i}", Json, $"subject-{i}"));

        Assert.All(rows, r => Assert.Equal(OpenState.Opened, run.Sealer.Open(r).State));
        Assert.InRange(run.Ciphers.Count, 1, 16);
    }

    internal static StoredRecord Digested(StoredRecord row) => row with { Sha256 = StoredRecord.Digest(row) };
}
