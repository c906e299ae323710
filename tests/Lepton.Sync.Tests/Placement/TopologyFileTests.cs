using System.Security.Cryptography;
using Lepton.Sync.Placement;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: a node's own copy of the topology, which nobody but it can have written.</summary>
public sealed class TopologyFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lepton-topology-").FullName;
    private readonly Topology _topology = Worlds.TwoRegions();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FilePath => Path.Combine(_folder, "state", "topology");

    private TopologyFile Make(string keyName = "key")
    {
        string keyFile = Path.Combine(_folder, keyName);
        if (!File.Exists(keyFile))
            File.WriteAllText(keyFile, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n");
        PlacementOptions options = new() { KeyFile = keyFile };
        options.Topology.File = FilePath;
        return new TopologyFile(Options.Create(options), new FileSnapshotKey(Options.Create(options)));
    }

    [Fact]
    public void Load_NoFile_IsNull() => Assert.Null(Make().Load());

    [Fact]
    public void Load_WhatSaveSaved_IsTheSameAndTheOwnersAlone()
    {
        Make().Save(Worlds.TwoRegions(epoch: 9));
        Make().Save(_topology);

        Assert.Equal(TopologyDocument.Write(_topology), TopologyDocument.Write(Make().Load()!));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
    }

    [Fact]
    public void Load_AnyByteChanged_IsRefused()
    {
        Make().Save(_topology);
        byte[] good = File.ReadAllBytes(FilePath);
        for (int at = 0; at < good.Length; at += at < 64 ? 1 : 997)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x10;
            File.WriteAllBytes(FilePath, bad);

            Assert.Throws<InvalidDataException>(() => Make().Load());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(39)]
    [InlineData(40)]
    [InlineData(500)]
    public void Load_CutShort_IsRefused(int length)
    {
        Make().Save(_topology);
        File.WriteAllBytes(FilePath, File.ReadAllBytes(FilePath)[..length]);

        Assert.Throws<InvalidDataException>(() => Make().Load());
    }

    [Fact]
    public void Load_OfAnotherKey_IsRefused()
    {
        Make().Save(_topology);

        Assert.Contains("key", Assert.Throws<InvalidDataException>(() => Make("other").Load()).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64")]
    [InlineData("AAAA")]
    public void FileSnapshotKey_NoKeyOf32Bytes_NamesTheKey(string text)
    {
        File.WriteAllText(Path.Combine(_folder, "bad"), text);

        Assert.Contains("Sync:KeyFile", Assert.Throws<InvalidDataException>(() => Make("bad")).Message,
            StringComparison.Ordinal);
    }
}
